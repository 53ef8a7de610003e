"""What a transaction takes away: tables and columns dropped, rows deleted, tables truncated.

Read from the catalog before and after, so it does not matter which statement, function or cascade did it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

# Objects are told apart by oid and attribute number: a rename loses nothing.
_READ = """
    SELECT c.oid::bigint, n.nspname || '.' || c.relname, pg_relation_filenode(c.oid)::bigint,
           CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) ELSE 0 END,
           coalesce(pg_stat_get_xact_tuples_deleted(c.oid), 0),
           (SELECT coalesce(jsonb_object_agg(a.attnum, a.attname), '{}') FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
      AND c.relname <> 'alembic_version'
"""


class Cursor(Protocol):
    """A driver's cursor: below SQLAlchemy, so that reading fires none of its events."""

    def execute(self, query: Any) -> Any: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table as the transaction sees it: `deleted` counts rows, `size` bytes."""

    name: str
    filenode: int | None
    size: int
    deleted: int
    columns: Mapping[str, str]


Snapshot = Mapping[int, Table]


def snapshot(cursor: Cursor) -> Snapshot:
    """The tables of the database by oid, without notifydb's own."""
    cursor.execute(_READ)
    return {oid: Table(*rest) for oid, *rest in cursor.fetchall()}


def losses(before: Snapshot, after: Snapshot) -> tuple[str, ...]:
    """What was there before and is not after, a sentence each."""
    return tuple(_losses(before, after))


def _losses(before: Snapshot, after: Snapshot) -> Iterator[str]:
    for oid, table in before.items():
        now = after.get(oid)
        if now is None:
            yield f"drops table {table.name}"
            continue
        for number in sorted(table.columns.keys() - now.columns.keys(), key=int):
            yield f"drops column {table.name}.{table.columns[number]}"
        if (deleted := now.deleted - table.deleted) > 0:
            yield f"deletes {deleted} row{'s' if deleted > 1 else ''} of {table.name}"
        # A truncated table gets an empty file; an emptied one keeps its pages.
        if table.size and not now.size and table.filenode != now.filenode and deleted <= 0:
            yield f"truncates {table.name}"
