"""One relation of the purge: who refers to whom, and what becomes of a row whose parent goes."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Final, Literal

from notifydb.postgres.relations import Catalog, ForeignKey, TableName, literal, quoted
from notifydb.purge.names import adapted, spelled_relation


class Policy(enum.StrEnum):
    """What becomes of a row when the row it refers to is deleted."""

    FOLLOW = "follow"  # it is owned, and goes as well
    REFUSE = "refuse"  # it stays, and the purge is refused
    NULL = "null"  # it stays and lets go
    REASSIGN = "reassign"  # it stays and refers to another row
    SERVER = "server"  # it stays and the server lets go, by ON DELETE SET NULL or SET DEFAULT
    LEAVE = "leave"  # it stays and keeps the value: only where no foreign key forbids that
    SUSPECT = "suspect"  # nobody has said; refused where there are rows


#: Policies by which a row that stays is changed.
DETACHING: Final = frozenset({Policy.NULL, Policy.REASSIGN, Policy.SERVER})
Origin = Literal["foreign key", "declared", "detected"]


class Verdict(enum.StrEnum):
    """What a sample says of a suspicion."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNPROVED = "unproved"


#: Fewer values than this say nothing when they are not found.
_ENOUGH: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """How many different values of the child were looked for in the parent, and how many are there.

    `is_numbered`: the child's column has a sequence of its own, so that equal values are chance.
    """

    sampled: int
    found: int
    is_numbered: bool = False

    @property
    def verdict(self) -> Verdict:
        if self.is_numbered:
            return Verdict.REFUTED
        if self.sampled and self.found * 2 >= self.sampled:
            return Verdict.PROVED
        is_refuted = self.sampled >= _ENOUGH and self.found * 50 <= self.sampled
        return Verdict.REFUTED if is_refuted else Verdict.UNPROVED

    def __str__(self) -> str:
        if self.is_numbered:
            return "the column has a sequence of its own"
        if not self.sampled:
            return "no values to go by"
        return f"{self.found:,} of {self.sampled:,} sampled values are there"


@dataclasses.dataclass(frozen=True, slots=True)
class Relation:
    """Rows of `child` refer to rows of `parent`, by a foreign key or by custom."""

    child: TableName
    columns: tuple[str, ...]
    parent: TableName
    parent_columns: tuple[str, ...]
    policy: Policy
    origin: Origin
    foreign_key: ForeignKey | None = None
    json_path: tuple[str, ...] = ()
    as_text: bool = False
    #: What is written behind some of the columns to compare them as their parent's are: a cast, a collation.
    adapted: Mapping[str, str] = dataclasses.field(default_factory=dict, compare=False)
    #: The columns that can be set to NULL.
    nullable: tuple[str, ...] = ()
    #: The key, as text, of the row that the child refers to afterwards.
    reassign_to: str | None = None
    #: What the policy comes from.
    why: str = dataclasses.field(default="", compare=False)
    #: Of a suspicion that was looked into.
    proof: Proof | None = dataclasses.field(default=None, compare=False)

    def __str__(self) -> str:
        return spelled_relation(self.child, self.columns, self.parent, self.parent_columns, self.json_path)

    @property
    def lets_go_by(self) -> tuple[str, ...]:
        """The columns by which a row lets go."""
        if self.policy is Policy.SERVER and self.foreign_key is not None:
            return tuple(name for name, _ in self.foreign_key.on_delete_sets)
        return self.nullable if self.policy is Policy.NULL else self.columns

    def is_among(self, keys: str, alias: str = "t") -> str:
        """A condition: the child row `alias` refers to a row of the table of keys `keys`, which is hashed.

        NULL, instead of false, where the child has one.
        """
        ours = ", ".join(self.value(column, alias) for column in self.columns)
        theirs = ", ".join(map(self.key, self.parent_columns))
        return f"({ours}) IN (SELECT {theirs} FROM {keys} k)"  # noqa: S608

    def is_found_in(self, rows: str, alias: str = "t") -> str:
        """The same, of `rows` that are looked up one by one: the planner is not to read all of them instead."""
        return f"EXISTS (SELECT FROM {rows} k WHERE {self.leads_to('k', alias)} OFFSET 0)"

    def is_referred_to(self, alias: str = "t", rows: str | None = None) -> str:
        """A condition: some row of the child, or of `rows` of it, refers to the parent's row `alias`."""
        return f"EXISTS (SELECT FROM {rows or self.child.sql} c WHERE {self.leads_to(alias, 'c')})"

    def leads_to(self, parent: str, child: str) -> str:
        """A condition: the row `child` refers to the row `parent`."""
        pairs = zip(self.columns, self.parent_columns, strict=True)
        return " AND ".join(
            f"{self.key(theirs, parent)} = {self.value(ours, child)}" for ours, theirs in pairs
        )

    def value(self, column: str, alias: str = "t") -> str:
        """What the child row `alias` has in one of `columns`, as it is compared to the parent's."""
        own = f"{alias}.{quoted(column)}"
        if self.json_path:
            *inner, last = map(literal, self.json_path)
            return "".join([own, *(f" -> {key}" for key in inner), f" ->> {last}"])
        return own + ("::text" if self.as_text else "") + self.adapted.get(column, "")

    def key(self, column: str, alias: str = "k") -> str:
        """What the parent's row `alias` has in one of `parent_columns`, as it is compared to the child's."""
        return f"{alias}.{quoted(column)}" + ("::text" if self.as_text else "")


def by_foreign_key(catalog: Catalog, key: ForeignKey, nullable: tuple[str, ...] = ()) -> Relation:
    """The relation that a foreign key is, taken to own; `nullable` are the columns that can be set to NULL."""
    child, parent = catalog.tables[key.child], catalog.tables[key.parent]
    return Relation(
        key.child,
        key.child_columns,
        key.parent,
        key.parent_columns,
        Policy.FOLLOW,
        "foreign key",
        key,
        adapted=adapted(child, key.child_columns, parent, key.parent_columns),
        nullable=nullable,
    )
