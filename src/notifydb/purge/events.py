"""What a purge tells while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from notifydb.postgres.relations import TableName


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """A table is about to be searched, by a plan or again under the locks of an execution."""

    table: TableName


@dataclasses.dataclass(frozen=True, slots=True)
class Detached:
    """Rows that stay have let go of rows that go."""

    relation: str
    rows: int


@dataclasses.dataclass(frozen=True, slots=True)
class Deleting:
    """Rows are about to be deleted; `rows` is the number planned."""

    table: TableName
    rows: int


@dataclasses.dataclass(frozen=True, slots=True)
class Deleted:
    """Rows are deleted, not yet committed."""

    table: TableName
    rows: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Proved:
    """`tables` were searched for rows left over and orphans, and none was found."""

    tables: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Committed:
    """All of it has happened."""

    rows: int
    seconds: float


Event = Reading | Detached | Deleting | Deleted | Proved | Committed
Listener = Callable[[Event], None]
