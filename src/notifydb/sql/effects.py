"""What becomes of a statement that is sent a second time, after the first has been committed."""

from __future__ import annotations

from notifydb.sql import facts
from notifydb.sql.effect import Effect
from notifydb.sql.parse import Statement
from notifydb.sql.reading import query_writes


def effect_of(statements: tuple[Statement, ...], volatile: frozenset[str]) -> Effect:
    """The effect of what is sent in one go; `volatile` are functions that may change something."""
    if any(each.problem for each in statements):
        return Effect.ONCE
    found = (_of_fact(fact, each, volatile) for each in statements for fact in each.facts)
    return max(found, default=Effect.NONE)


def functions_of(statements: tuple[Statement, ...]) -> frozenset[str]:
    """The names of the functions that queries among them call."""
    found = (fact for each in statements for fact in each.facts)
    return frozenset(name for fact in found if isinstance(fact, facts.Query) for name in fact.functions)


def _of_fact(fact: facts.Fact, statement: Statement, volatile: frozenset[str]) -> Effect:
    match fact:
        case facts.Transaction() | facts.SetVariable() | facts.LockTable():
            return Effect.NONE
        case facts.Other(node="variable_show_stmt" | "declare_cursor_stmt" | "fetch_stmt"):
            return Effect.NONE
        case facts.Other(node="vacuum_stmt" | "comment_stmt" | "grant_stmt"):
            return Effect.AGAIN
        case facts.Query():
            changes = volatile.intersection(fact.functions) or query_writes(statement.text)
            return Effect.ONCE if changes else Effect.NONE
        case facts.CreateIndex() | facts.DropIndex() | facts.Reindex() if fact.concurrently:
            return Effect.AGAIN
        case facts.OutsideOnly(command="VACUUM") | facts.RewriteTable():
            return Effect.AGAIN
        case (
            facts.ValidateConstraint()
            | facts.SetNotNull()
            | facts.DropNotNull()
            | facts.DropDefault()
            | facts.CreateView(replace=True)
        ):
            return Effect.AGAIN
        case _:
            return Effect.ONCE
