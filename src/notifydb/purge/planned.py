"""What a purge would do, as a frozen value: shown by a dry run, consumed by the execution."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from notifydb import errors
from notifydb.postgres.relations import TableName
from notifydb.purge.journal import Unfinished
from notifydb.purge.relation import Policy
from notifydb.purge.scene import Scene
from notifydb.purge.strategy import Strategy
from notifydb.settings.model import PurgeSettings

#: Of long lists only the beginning is in the plan; the counts are whole.
LISTED: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class TablePlan:
    """Rows of one table that go: `path` leads to it from the root, `relation` is its last step.

    `bytes` is estimated from the table's average row, `by_relation` counts a row once for each relation.
    """

    table: TableName
    rows: int
    bytes: int
    path: tuple[str, ...]
    relation: str | None
    by_relation: tuple[tuple[str, int], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """Rows that stay and refer to rows that go; `keys` are those of some of them.

    `nullable` when they could let go, by the columns that the relation has.
    """

    relation: str
    policy: Policy
    rows: int
    keys: tuple[str, ...]
    nullable: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A row that one might expect to go, and why it stays; `label` is its address or key."""

    table: TableName
    label: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class SharedGroup:
    """A group that stays, from which members of the match are detached."""

    table: TableName
    key: str
    leaving: int
    staying: int
    protected: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Unindexed:
    """A foreign key without an index: for each deleted parent the server scans all of the child.

    `built` when it gets one for the time of the purge.
    """

    relation: str
    constraint: str
    parent_rows: int
    child_rows: int
    built: bool = False

    @property
    def row_visits(self) -> int:
        """About ten million of them take a second."""
        return self.parent_rows * self.child_rows


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A purge of one prefix in one database; `tables` are in the order of deletion.

    `id` binds an execution to this plan, `scope` to its chosen rows and rules, whatever else these own by then;
    `chosen` are hashes of their keys, `scene` is what it was made from.
    `kept` and `shared` list at most LISTED each of `kept_count` and
    `shared_count`; `suspicious` are relations that are neither followed nor waived, with rows or not;
    `unfinished` are purges that were cut short: this one finishes those whose prefix begins with its own;
    `left_over` are temporary indexes of a purge that was killed.
    """

    id: str
    scope: str
    database: str
    prefix: str
    root: str
    matched: int
    root_rows: int
    examples: tuple[str, ...]
    tables: tuple[TablePlan, ...]
    standing: tuple[Standing, ...]
    shared: tuple[SharedGroup, ...]
    shared_count: int
    kept: tuple[Kept, ...]
    kept_count: int
    unindexed: tuple[Unindexed, ...]
    suspicious: tuple[str, ...]
    blockers: tuple[str, ...]
    warnings: tuple[str, ...]
    strategy: Strategy
    chosen: tuple[str, ...]
    scene: Scene
    unfinished: tuple[Unfinished, ...]
    left_over: tuple[TableName, ...]
    settings: PurgeSettings = dataclasses.field(repr=False)

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    @property
    def bytes(self) -> int:
        return sum(table.bytes for table in self.tables)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return self.rows == 0

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to delete, and nothing that a purge before has left to be done."""
        is_taken_up = any(each.prefix.startswith(self.prefix) for each in self.unfinished)
        return self.is_empty and not is_taken_up and not self.left_over

    def require_unblocked(self) -> None:
        """Raises Refused with every reason against executing this plan."""
        if self.blockers:
            raise errors.Refused(
                f"the purge of {self.prefix!r} in database {self.database!r} is refused",
                reasons=self.blockers,
                hint="notifydb purge --explain shows who owns what, and why",
            )

    def to_json(self) -> dict[str, Any]:
        """The plan as plain values; `version` changes when the shape does."""
        inner = ("settings", "scope", "chosen", "scene")
        fields = (field.name for field in dataclasses.fields(self) if field.name not in inner)
        values: dict[str, Any] = {name: _plain(getattr(self, name)) for name in fields}
        batches, indexes = self.strategy.batched, self.strategy.indexes
        values["strategy"] = {
            "batches": [str(name) for name in batches],
            "indexes": [f"{key.child}({', '.join(key.child_columns)})" for key in indexes],
        }
        return {"version": 1, **values, "rows": self.rows, "bytes": self.bytes}


def _plain(value: object) -> object:
    if isinstance(value, TableName):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value
