"""One relation of the purge: who refers to whom, and what becomes of a row whose parent goes."""

from __future__ import annotations

import dataclasses
import enum
from typing import Literal

from notifydb.postgres.relations import ForeignKey, TableName, literal, quoted


class Policy(enum.StrEnum):
    """What becomes of a row when the row it refers to is deleted."""

    FOLLOW = "follow"  # it is owned, and goes as well
    REFUSE = "refuse"  # it stays, and the purge is refused
    NULL = "null"  # it stays and lets go
    SERVER = "server"  # it stays and the server lets go, by ON DELETE SET NULL or SET DEFAULT
    LEAVE = "leave"  # it stays and keeps the value: only where no foreign key forbids that
    SUSPECT = "suspect"  # nobody has said; refused where there are rows


Origin = Literal["foreign key", "declared", "detected"]


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
    json_key: str | None = None
    as_text: bool = False
    #: The columns that can be set to NULL.
    nullable: tuple[str, ...] = ()

    def __str__(self) -> str:
        if len(self.columns) > 1:
            ours, theirs = ", ".join(self.columns), ", ".join(self.parent_columns)
            return f"{self.child}({ours}) -> {self.parent}({theirs})"
        path = f"->>'{self.json_key}'" if self.json_key else ""
        return f"{self.child}.{self.columns[0]}{path} -> {self.parent}.{self.parent_columns[0]}"

    def holds(self, keys: str, alias: str = "t") -> str:
        """A condition: the child row `alias` refers to a row of the table of keys `keys`."""
        pairs = zip(self.columns, self.parent_columns, strict=True)
        equal = " AND ".join(f"{self._theirs(theirs)} = {self._ours(ours, alias)}" for ours, theirs in pairs)
        return f"EXISTS (SELECT FROM {keys} k WHERE {equal})"

    def _theirs(self, column: str) -> str:
        return f"k.{quoted(column)}" + ("::text" if self.as_text else "")

    def _ours(self, column: str, alias: str) -> str:
        if self.json_key is not None:
            return f"{alias}.{quoted(column)} ->> {literal(self.json_key)}"
        return f"{alias}.{quoted(column)}" + ("::text" if self.as_text else "")
