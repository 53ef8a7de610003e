"""What takes the place of an operation that keeps people waiting."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Final

import libcst as cst

from notifydb.findings import Rewrite
from notifydb.fixes import edits
from notifydb.fixes.source import NotFixable, Operation, Source, does_something, is_refusal, operation_of
from notifydb.postgres.dialect import qualified, quote
from notifydb.sql import facts
from notifydb.sql.facts import Fact
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


def form_of(rewrite: Rewrite, source: Source, operation: Operation, sql: str) -> Form:
    """The form that a finding about `operation`, which sends `sql`, asks for; NotFixable if there is none."""
    found = facts_of(operation) or (parse(sql)[0].facts if operation.name != "execute" else ())
    if len(found) != 1:
        raise NotFixable("it does several things at once")
    return _FORMS[rewrite](source, operation, found[0])


def facts_of(operation: Operation) -> tuple[Fact, ...]:
    """What the SQL of an `op.execute` says; nothing for another operation."""
    return parse(edits.sql_of(operation))[0].facts if operation.name == "execute" else ()


def _concurrently(source: Source, operation: Operation, fact: Fact) -> Form:
    if isinstance(fact, facts.CreateIndex) and operation.name in ("create_index", "execute"):
        return _create_index(source, operation, fact)
    if isinstance(fact, facts.DropIndex) and operation.name in ("drop_index", "execute"):
        return _drop_index(source, operation, fact)
    if isinstance(fact, facts.Reindex) and operation.name == "execute":
        return _reindex(source, operation, fact)
    raise NotFixable(f"op.{operation.name} does it along with something else")


def _create_index(source: Source, operation: Operation, fact: facts.CreateIndex) -> Form:
    if fact.index is None:
        raise NotFixable("the index has no name, so what a failed build leaves could not be cleared away")
    index = facts.Relation(fact.index, fact.relation.schema)
    drop = _undoing(source, lambda each: _drops(each, index))
    return Form(
        "index",
        later=(_made_again(source, operation, fact),),
        later_down=(_dropped(source, drop) if drop else _drop_if_there(source, index, alone=True),),
        counterpart=drop.statement if drop else None,
        alone=True,
        reference=_plain(operation, fact) if fact.concurrently else None,
    )


def _drop_index(source: Source, operation: Operation, fact: facts.DropIndex) -> Form:
    create = _undoing(source, lambda each: _creates(each, fact.index))
    if create is None:
        down: Statements = _refusal(source, "downgrade() does not plainly make the index again")
    else:
        down = (_made_again(source, create, _created_by(create, fact.index)),)
    return Form(
        "drop",
        later=(_dropped(source, operation),),
        later_down=down,
        counterpart=create.statement if create else None,
        alone=True,
        reference=_plain(operation, fact) if fact.concurrently else None,
    )


def _reindex(source: Source, operation: Operation, fact: facts.Reindex) -> Form:
    concurrent = operation.statement
    if not fact.concurrently:
        meant = dataclasses.replace(fact, concurrently=True)
        words = r"(REINDEX\s*(?:\([^)]*\))?\s*(?:INDEX|TABLE|SCHEMA|DATABASE|SYSTEM))\b"
        concurrent = operation.with_call(edits.with_sql(operation, words, r"\1 CONCURRENTLY", meant))
    nothing = source.parse("# A rebuilt index is as it was: there is nothing to take back.\nreturn\n")
    return Form(
        "reindex",
        later=(edits.in_autocommit(source, [concurrent]),),
        later_down=(nothing,),
        alone=True,
        reference=_plain(operation, fact) if fact.concurrently else None,
    )


def _made_again(source: Source, operation: Operation, fact: facts.CreateIndex) -> cst.BaseStatement:
    """A block that clears away what a failed build has left, and builds."""
    assert fact.index is not None
    if operation.name == "execute":
        meant = dataclasses.replace(fact, concurrently=True)
        words = r"(CREATE\s+(?:UNIQUE\s+)?INDEX)(?:\s+CONCURRENTLY)?\b"
        call = edits.with_sql(operation, words, r"\1 CONCURRENTLY", meant)
    else:
        call = edits.with_keyword(operation, "postgresql_concurrently", "True")
    clear = _drop_if_there(source, facts.Relation(fact.index, fact.relation.schema), alone=False)
    return edits.in_autocommit(source, [clear, operation.with_call(call)])


def _dropped(source: Source, operation: Operation) -> cst.BaseStatement:
    """A block that drops, and that can be run again if it was stopped."""
    if operation.name == "execute":
        (fact,) = facts_of(operation)
        assert isinstance(fact, facts.DropIndex)
        meant = dataclasses.replace(fact, concurrently=True, if_exists=True)
        words = r"(DROP\s+INDEX)(?:\s+CONCURRENTLY)?(?:\s+IF\s+EXISTS)?\b"
        call = edits.with_sql(operation, words, r"\1 CONCURRENTLY IF EXISTS", meant)
        return edits.in_autocommit(source, [operation.with_call(call)])
    call = edits.with_keyword(operation, "postgresql_concurrently", "True")
    call = edits.with_keyword(dataclasses.replace(operation, call=call), "if_exists", "True")
    return edits.in_autocommit(source, [operation.with_call(call)])


def _drop_if_there(source: Source, index: facts.Relation, *, alone: bool) -> cst.BaseStatement:
    statement = edits.execute(source, f"DROP INDEX CONCURRENTLY IF EXISTS {_name(index)}")
    return edits.in_autocommit(source, [statement]) if alone else statement


def _plain(
    operation: Operation, fact: facts.CreateIndex | facts.DropIndex | facts.Reindex
) -> cst.BaseStatement:
    """The same in a transaction."""
    if operation.name == "execute":
        meant = dataclasses.replace(fact, concurrently=False)
        return operation.with_call(edits.with_sql(operation, r"\s+CONCURRENTLY\b", "", meant))
    return operation.with_call(edits.with_keyword(operation, "postgresql_concurrently", "False"))


def _undoing(source: Source, test: Callable[[Operation], bool]) -> Operation | None:
    """The one operation of downgrade() that passes the test."""
    operations = [found for each in source.statements("downgrade") if (found := operation_of(each))]
    fitting = [each for each in operations if test(each)]
    return fitting[0] if len(fitting) == 1 else None


def _drops(operation: Operation, index: facts.Relation) -> bool:
    if operation.name == "drop_index":
        return operation.text("index_name", 0) == index.name
    return any(
        isinstance(fact, facts.DropIndex) and fact.index.name == index.name
        for fact in _known_facts(operation)
    )


def _creates(operation: Operation, index: facts.Relation) -> bool:
    if operation.name == "create_index":
        return operation.text("index_name", 0) == index.name
    return any(
        isinstance(fact, facts.CreateIndex) and fact.index == index.name for fact in _known_facts(operation)
    )


def _created_by(operation: Operation, index: facts.Relation) -> facts.CreateIndex:
    """What the operation that makes `index` says, as far as it is needed."""
    for fact in _known_facts(operation):
        if isinstance(fact, facts.CreateIndex):
            return fact
    return facts.CreateIndex(index.name, facts.Relation("", index.schema))


def _known_facts(operation: Operation) -> tuple[Fact, ...]:
    """Those of plain SQL; of what is no literal, nothing is known."""
    try:
        return facts_of(operation)
    except NotFixable:
        return ()


def _refusal(source: Source, objection: str) -> Statements:
    """A copy of what downgrade() raises, if it does nothing else; otherwise the objection holds."""
    doing = [each for each in source.statements("downgrade") if does_something(each)]
    if len(doing) != 1 or not is_refusal(doing[0]):
        raise NotFixable(objection)
    return (doing[0],)


def _name(relation: facts.Relation) -> str:
    schema = relation.schema
    return qualified(quote(relation.name), quote(schema) if schema else None)


_FORMS: Final[Mapping[Rewrite, Callable[[Source, Operation, Fact], Form]]] = {
    Rewrite.CONCURRENTLY: _concurrently,
}
