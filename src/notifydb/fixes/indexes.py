"""Indexes that are built, dropped and rebuilt while others write."""

from __future__ import annotations

import dataclasses

import libcst as cst

from notifydb.fixes import edits
from notifydb.fixes.form import Form, Statements, facts_of, known_facts, sql_name, undoing
from notifydb.fixes.source import NotFixable, Operation, Source, does_something, is_refusal
from notifydb.sql import facts
from notifydb.sql.facts import Fact


def concurrently(source: Source, operation: Operation, fact: Fact) -> Form:
    """The form of an operation on an index that keeps nobody from writing."""
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
    drop = undoing(source, lambda each: _drops(each, index))
    return Form(
        "index",
        later=(_made_again(source, operation, fact),),
        later_down=(_dropped(source, drop) if drop else _drop_if_there(source, index, alone=True),),
        counterpart=drop.statement if drop else None,
        alone=True,
        reference=_plain(operation, fact) if fact.concurrently else None,
    )


def _drop_index(source: Source, operation: Operation, fact: facts.DropIndex) -> Form:
    create = undoing(source, lambda each: _creates(each, fact.index))
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
    statement = edits.execute(source, f"DROP INDEX CONCURRENTLY IF EXISTS {sql_name(index)}")
    return edits.in_autocommit(source, [statement]) if alone else statement


def _plain(
    operation: Operation, fact: facts.CreateIndex | facts.DropIndex | facts.Reindex
) -> cst.BaseStatement:
    """The same in a transaction."""
    if operation.name == "execute":
        meant = dataclasses.replace(fact, concurrently=False)
        return operation.with_call(edits.with_sql(operation, r"\s+CONCURRENTLY\b", "", meant))
    return operation.with_call(edits.with_keyword(operation, "postgresql_concurrently", "False"))


def _drops(operation: Operation, index: facts.Relation) -> bool:
    if operation.name == "drop_index":
        return operation.text("index_name", 0) == index.name
    return any(
        isinstance(fact, facts.DropIndex) and fact.index.name == index.name for fact in known_facts(operation)
    )


def _creates(operation: Operation, index: facts.Relation) -> bool:
    if operation.name == "create_index":
        return operation.text("index_name", 0) == index.name
    return any(
        isinstance(fact, facts.CreateIndex) and fact.index == index.name for fact in known_facts(operation)
    )


def _created_by(operation: Operation, index: facts.Relation) -> facts.CreateIndex:
    """What the operation that makes `index` says, as far as it is needed."""
    for fact in known_facts(operation):
        if isinstance(fact, facts.CreateIndex):
            return fact
    return facts.CreateIndex(index.name, facts.Relation("", index.schema))


def _refusal(source: Source, objection: str) -> Statements:
    """A copy of what downgrade() raises, if it does nothing else; otherwise the objection holds."""
    doing = [each for each in source.statements("downgrade") if does_something(each)]
    if len(doing) != 1 or not is_refusal(doing[0]):
        raise NotFixable(objection)
    return (doing[0],)
