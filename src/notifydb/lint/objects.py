"""What a migration makes and puts back besides tables: nobody else can miss it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from notifydb.lint.context import RevisionContext
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation, TypeName

#: DROP ROUTINE and DROP FUNCTION may mean the same, and a domain can be dropped and altered as a type.
_SAME_KIND = {"procedure": "function", "routine": "function", "aggregate": "function", "domain": "type"}
#: The facts that `_made` knows.
_MAKING = (
    facts.CreateObject,
    facts.CreateTable,
    facts.CreateView,
    facts.RenameObject,
    facts.RenameTable,
)


def is_new(kind: str, name: Relation, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether this revision made the object, or gave it this name, before `statement`."""
    return _named(kind, name, ctx.facts_before(statement, *_MAKING))


def comes_back(
    kind: str,
    name: Relation,
    statement: Statement,
    ctx: RevisionContext,
    arguments: tuple[TypeName, ...] | None = None,
) -> bool:
    """Whether the same transaction makes such an object again; a function has to have the same arguments."""
    return any(_named(kind, name, each.facts, arguments) for each in later(statement, ctx))


def later(statement: Statement, ctx: RevisionContext) -> Iterator[Statement]:
    """The statements after this one that are committed together with it."""
    transaction = statement.execution.transaction
    if transaction is not None:
        for each in ctx.statements.of_transaction(transaction):
            if each.index > statement.index:
                yield each


def taken_along(relation: Relation, ctx: RevisionContext, column: str | None = None) -> str:
    """What DROP ... CASCADE takes with a relation or column, as the end of a sentence; empty if unknown."""
    if ctx.catalog is None:
        return ""
    views = [f"the view {view}" for view in ctx.catalog.readers(relation, column)]
    keys = [f"the foreign key {name} of {table}" for table, name, _ in ctx.catalog.references_to(relation)]
    found = views if column else [*views, *keys]
    return f" CASCADE takes {', '.join(found)} along." if found else ""


def _named(
    kind: str, name: Relation, found: Iterable[facts.Fact], arguments: tuple[TypeName, ...] | None = None
) -> bool:
    wanted = (_SAME_KIND.get(kind, kind), name.key)
    return any(
        (_SAME_KIND.get(made, made), own.key) == wanted and (None in (arguments, taken) or arguments == taken)
        for made, own, taken in _made(found)
    )


def _made(found: Iterable[facts.Fact]) -> Iterator[tuple[str, Relation, tuple[TypeName, ...] | None]]:
    """Kind, name and arguments of what the facts bring into being, by a new name included."""
    for fact in found:
        match fact:
            case facts.CreateObject():
                yield fact.kind, fact.name, fact.arguments
            case facts.CreateView():
                yield "view", fact.relation, None
            case facts.CreateTable():
                yield "materialized view", fact.relation, None
            case facts.RenameObject():
                yield fact.kind, Relation(fact.new_name, fact.schema or fact.name.schema), None
            case facts.RenameTable():
                yield from ((kind, fact.target, None) for kind in ("view", "materialized view"))
            case _:
                pass
