"""An index that is built concurrently, as a value, and the forms of its statement that healing needs."""

from __future__ import annotations

import dataclasses
from typing import Any

from notifydb.sql.trees import pg, postgast

_SCRATCH = "pg_temp"


@dataclasses.dataclass(frozen=True, slots=True)
class Build:
    """A CREATE INDEX CONCURRENTLY; names as Postgres folds them, `schema` as it was written, or None.

    `if_absent` is the same statement with IF NOT EXISTS; `on_scratch` builds the index, not concurrently, on
    the temporary table of the same name.
    """

    index: str | None
    schema: str | None
    table: str
    if_absent: str
    on_scratch: str


def concurrent_build(sql: str) -> Build | None:
    """What a string builds concurrently; None if it is anything else, or more than that."""
    try:
        (raw,) = postgast.parse(sql).stmts
    except (postgast.PgQueryError, ValueError):
        return None
    node = postgast.unwrap_node(raw.stmt)
    if not isinstance(node, pg.IndexStmt) or not node.concurrent:
        return None
    relation = node.relation
    return Build(
        node.idxname or None,
        relation.schemaname or None,
        relation.relname,
        _deparsed(sql, if_not_exists=True) if node.idxname else sql,
        _deparsed(sql, concurrent=False, if_not_exists=False, schema=_SCRATCH),
    )


def _deparsed(sql: str, *, schema: str | None = None, **changes: bool) -> str:
    tree = postgast.parse(sql)
    node: Any = postgast.unwrap_node(tree.stmts[0].stmt)
    for name, value in changes.items():
        setattr(node, name, value)
    if schema is not None:
        node.relation.schemaname = schema
    return str(postgast.deparse(tree))
