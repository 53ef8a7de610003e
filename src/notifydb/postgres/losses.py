"""What a transaction takes away: tables and columns dropped, rows deleted, tables truncated.

Read from the catalog before and after, so it does not matter which statement, function or cascade did it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

# Objects are told apart by oid and attribute number: a rename loses nothing.
_READ: Final = """
    SELECT c.oid::bigint, format('%I.%I', n.nspname, c.relname), pg_relation_filenode(c.oid)::bigint,
           coalesce(pg_stat_get_live_tuples(c.oid), 0), coalesce(pg_stat_get_xact_tuples_deleted(c.oid), 0),
           (SELECT coalesce(jsonb_object_agg(a.attnum, a.attname), '{}') FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
      AND c.relname <> 'alembic_version'
"""
#: The server's count of live rows is an estimate; fewer missing rows than this share may be its error.
_TOLERANCE: Final = 0.1


class Cursor(Protocol):
    """A driver's cursor: below SQLAlchemy, so that reading fires none of its events."""

    def execute(self, query: Any) -> Any: ...
    def fetchall(self) -> list[tuple[Any, ...]]: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table as the transaction sees it: `live` rows as the server estimates, `deleted` ones exactly."""

    name: str
    filenode: int | None
    live: int
    deleted: int
    columns: Mapping[str, str]


Snapshot = Mapping[int, Table]


def snapshot(cursor: Cursor) -> Snapshot:
    """The tables of the database by oid, without notifydb's own."""
    cursor.execute(_READ)
    return {oid: Table(*rest) for oid, *rest in cursor.fetchall()}


def losses(before: Snapshot, cursor: Cursor) -> tuple[str, ...]:
    """What was there before and is not now, a sentence each."""
    after = snapshot(cursor)
    return tuple(_losses(before, after, cursor))


def flush_counts(cursor: Cursor, server_version: int) -> None:
    """Has the server count this transaction's rows when it is over, not up to a second later.

    `server_version` as in `server_version_num`; older servers than 15 do it when they like.
    """
    if server_version >= 150_000:
        cursor.execute("SELECT pg_stat_force_next_flush()")


def _losses(before: Snapshot, after: Snapshot, cursor: Cursor) -> Iterator[str]:
    for oid, table in before.items():
        now = after.get(oid)
        if now is None:
            yield f"drops table {table.name}"
            continue
        for number in sorted(table.columns.keys() - now.columns.keys(), key=int):
            yield f"drops column {table.name}.{table.columns[number]}"
        deleted = now.deleted - table.deleted
        if deleted > 0:
            yield f"deletes {deleted} row{'s' if deleted > 1 else ''} of {table.name}"
        if table.filenode != now.filenode and _is_emptied(table, now, deleted, cursor):
            yield f"truncates {table.name}"


def _is_emptied(table: Table, now: Table, deleted: int, cursor: Cursor) -> bool:
    """A new file is a rewrite or a TRUNCATE, whatever was inserted after it; a rewrite keeps the rows."""
    expected = table.live - max(deleted, 0)
    if expected <= 0:
        return False
    cursor.execute(f"SELECT count(*) FROM {now.name}")  # noqa: S608
    ((rows,),) = cursor.fetchall()
    return bool(expected - rows > table.live * _TOLERANCE)
