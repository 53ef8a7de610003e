"""What takes the place of an operation, and what the operation says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import libcst as cst

from notifydb.fixes import edits
from notifydb.fixes.source import NotFixable, Operation, Source, operation_of
from notifydb.postgres.dialect import qualified, quote
from notifydb.sql.facts import Fact, Relation
from notifydb.sql.parse import parse

Statements = tuple[cst.BaseStatement, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Form:
    """The safe form of one operation.

    `here` stays in its transaction. `later` belongs into a migration of its own, whose name ends in
    `suffix`; what is `alone` may also stay where it is, if nothing else is done there. The downs take that
    back; `counterpart` is what did so in downgrade(). `reference` does the same as the operation in a
    transaction, where the operation itself cannot run.
    """

    suffix: str
    later: Statements
    later_down: Statements
    here: Statements = ()
    here_down: Statements = ()
    counterpart: cst.BaseStatement | None = None
    alone: bool = False
    reference: cst.BaseStatement | None = None


def facts_of(operation: Operation) -> tuple[Fact, ...]:
    """What the SQL of an `op.execute` says; nothing for another operation."""
    return parse(edits.sql_of(operation))[0].facts if operation.name == "execute" else ()


def known_facts(operation: Operation) -> tuple[Fact, ...]:
    """Those of plain SQL; of what is no literal, nothing is known."""
    try:
        return facts_of(operation)
    except NotFixable:
        return ()


def undoing(source: Source, test: Callable[[Operation], bool]) -> Operation | None:
    """The one operation of downgrade() that passes the test."""
    operations = [found for each in source.statements("downgrade") if (found := operation_of(each))]
    fitting = [each for each in operations if test(each)]
    return fitting[0] if len(fitting) == 1 else None


def sql_name(relation: Relation) -> str:
    """The relation's name as SQL."""
    schema = relation.schema
    return qualified(quote(relation.name), quote(schema) if schema else None)
