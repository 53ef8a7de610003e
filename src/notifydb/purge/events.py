"""What a purge tells while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from notifydb.postgres.activity import Wait
from notifydb.postgres.relations import TableName


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """Another notifydb works on the database; `holder` is who, where and since when."""

    holder: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """A table is about to be searched, by a plan or again under the locks of an execution."""

    table: TableName


@dataclasses.dataclass(frozen=True, slots=True)
class Archiving:
    """What is deleted from here on is in the archive `folder` before it is committed."""

    folder: str


@dataclasses.dataclass(frozen=True, slots=True)
class IndexBuilt:
    """A temporary index was built, or not, and then `problem` says why."""

    index: str
    seconds: float
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class IndexDropped:
    """A temporary index is gone again; where it could not be dropped, `problem` says why."""

    index: str
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """A batch is committed: its `rows`, and how many of `planned` rows of the table are `done` by now.

    `rate` is in rows a second, over the whole table so far; `left` are seconds, None where nobody can tell.
    """

    table: TableName
    rows: int
    done: int
    planned: int
    rate: float
    left: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Drained:
    """All batches of a table are committed; what has come since goes with the rest."""

    table: TableName
    rows: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Vacuumed:
    """A drained table was vacuumed, so that checks do not walk over its dead rows; or not: `problem`."""

    table: TableName
    seconds: float
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Slowed:
    """Batches wait, for `seconds` seconds at first."""

    reason: str
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Retrying:
    """A transaction was rolled back, and is tried again in `seconds`; `wait` is what was in its way, if seen."""

    reason: str
    attempt: int
    attempts: int
    seconds: float
    wait: Wait | None


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
class Triggered:
    """A trigger of the table fires before rows come back to it, and may change them."""

    table: TableName
    trigger: str


@dataclasses.dataclass(frozen=True, slots=True)
class Restored:
    """Rows are back in a table, not yet committed."""

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


Event = (
    Waiting
    | Reading
    | Archiving
    | IndexBuilt
    | IndexDropped
    | Batch
    | Drained
    | Vacuumed
    | Slowed
    | Retrying
    | Detached
    | Deleting
    | Deleted
    | Triggered
    | Restored
    | Proved
    | Committed
)
Listener = Callable[[Event], None]
