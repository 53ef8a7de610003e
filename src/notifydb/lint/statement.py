"""One SQL statement of a migration: what it says, where it comes from, what the shadow saw it do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TypeVar

from notifydb.findings import Location
from notifydb.lint.trace import Failure, Trace
from notifydb.migrator.frames import Frame
from notifydb.revisions.graph import Revision
from notifydb.sql.facts import AddColumn, CreateTable, Fact, Relation, relation_of
from notifydb.sql.parse import Statement as Parsed

AnyFact = TypeVar("AnyFact", bound=Fact)


@dataclasses.dataclass(frozen=True, slots=True)
class Execution:
    """One trip to the server, which may carry several statements.

    `transaction` numbers the transactions of the migration; None is outside of any. `trace` is None when
    nothing was run, or when the statement failed and its transaction takes back what it did.
    """

    sql: str
    frames: tuple[Frame, ...]
    transaction: int | None
    trace: Trace | None = None
    failure: Failure | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """`index` counts the statements of the revision from 0; `location` is in the migration's own file."""

    revision: Revision
    index: int
    parsed: Parsed
    execution: Execution
    location: Location

    @property
    def sql(self) -> str:
        return self.parsed.text

    @property
    def facts(self) -> tuple[Fact, ...]:
        return self.parsed.facts

    @property
    def trace(self) -> Trace | None:
        return self.execution.trace

    @property
    def failure(self) -> Failure | None:
        return self.execution.failure

    @property
    def in_transaction(self) -> bool:
        return self.execution.transaction is not None

    @property
    def frames(self) -> tuple[Location, ...]:
        return tuple(Location(frame.path, frame.line, frame.end_line) for frame in self.execution.frames)

    def each(self, kind: type[AnyFact]) -> Iterator[AnyFact]:
        """The statement's facts of one kind."""
        return (fact for fact in self.facts if isinstance(fact, kind))

    @property
    def new_columns(self) -> tuple[AddColumn, ...]:
        """The columns that it makes, in new tables and in others."""
        made = tuple(column for table in self.each(CreateTable) for column in table.columns)
        return (*made, *self.each(AddColumn))

    @property
    def relations(self) -> tuple[Relation, ...]:
        """The tables (for DROP INDEX: the indexes) whose rows the statement is about, or refers to."""
        found = [relation_of(fact) for fact in self.facts]
        found += [getattr(fact, name, None) for fact in self.facts for name in ("references", "partition_of")]
        return tuple(dict.fromkeys(each for each in found if isinstance(each, Relation)))
