"""Which statements change nothing, so that a script can do without them."""

from __future__ import annotations

from collections.abc import Collection

from notifydb.sql.trees import functions_in, inner, postgast, walk

_WRITING = frozenset({"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "IntoClause"})
_CHANGING = _WRITING | {"LockingClause"}


def only_reads(source: str, harmless: Collection[str]) -> bool:
    """Whether all of it is SELECT or SHOW, locks and changes no rows, and calls but `harmless` functions."""
    try:
        statements = [inner(raw.stmt) for raw in postgast.parse(source).stmts]
    except postgast.PgQueryError:
        return False
    return all(_reads(each, harmless) for each in statements)


def _reads(statement: object, harmless: Collection[str]) -> bool:
    kind = type(statement).__name__
    if kind != "SelectStmt":
        return kind == "VariableShowStmt"
    kinds = {type(each).__name__ for each in walk(statement)}
    return kinds.isdisjoint(_CHANGING) and set(functions_in(statement)) <= set(harmless)


def query_writes(source: str) -> bool:
    """Whether a query changes rows in a WITH, or makes a table of what it finds."""
    kinds = {type(each).__name__ for raw in postgast.parse(source).stmts for each in walk(inner(raw.stmt))}
    return not kinds.isdisjoint(_WRITING)
