"""Indexes as they are, and as a statement would make them."""

from __future__ import annotations

import dataclasses
import importlib.resources
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from notifydb.postgres.connect import plain

_TRANSIENT: Final = re.compile(r'_cc(new|old)\d*"?$')


@dataclasses.dataclass(frozen=True, slots=True)
class Index:
    """An index that is there; `definition` names neither itself nor its table.

    `built_by` is the pid of the session that is building it just now.
    """

    name: str
    valid: bool
    definition: str
    built_by: int | None = None


def indexes_of(
    driver: psycopg.Connection[Any], schema: str | None, table: str, index: str | None
) -> tuple[Index, ...]:
    """The table's indexes of that name, or all of them; names as Postgres folds them. None if it is not there.

    The connection is outside of a transaction.
    """
    with _aside(driver) as cursor:
        oid = _oid(cursor, schema, table)
        return _read(cursor, oid, index) if oid is not None else ()


def would_be(driver: psycopg.Connection[Any], schema: str | None, table: str, on_scratch: str) -> str | None:
    """The definition that a statement makes, found by making it on an empty temporary table; None if it fails.

    `on_scratch` builds the one index on `pg_temp.TABLE`. The connection is outside of a transaction.
    """
    with suppress(psycopg.Error), _aside(driver) as cursor:
        original = sql.Identifier(schema, table) if schema else sql.Identifier(table)
        scratch = sql.Identifier("pg_temp", table)
        cursor.execute(sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {})").format(scratch, original))
        cursor.execute(on_scratch.encode())
        oid = _oid(cursor, "pg_temp", table)
        assert oid is not None
        (made,) = _read(cursor, oid, None)
        return made.definition
    return None


def left_by_reindex(driver: psycopg.Connection[Any], schema: str | None, name: str) -> tuple[Index, ...]:
    """The INVALID indexes that a REINDEX CONCURRENTLY of that index or table has left (Postgres docs, REINDEX).

    Of one index, they have its definition. The connection is outside of a transaction.
    """
    with _aside(driver) as cursor:
        oid = _oid(cursor, schema, name)
        cursor.execute("SELECT indrelid FROM pg_index WHERE indexrelid = %s::oid", (oid,))
        table = next((row[0] for row in cursor.fetchall()), oid)
        there = _read(cursor, table, None) if table is not None else ()
        ((full_name,),) = cursor.execute("SELECT %s::oid::regclass::text", (oid,)).fetchall()
        wanted = next((each.definition for each in there if each.name == full_name), None)
    left = [each for each in there if not each.valid and _TRANSIENT.search(each.name)]
    return tuple(each for each in left if wanted is None or each.definition == wanted)


def is_relation(driver: psycopg.Connection[Any], schema: str | None, name: str) -> bool:
    """Whether there is a table or index of that name; names as Postgres folds them."""
    return _oid(plain(driver), schema, name) is not None


def is_valid(driver: psycopg.Connection[Any], schema: str | None, name: str) -> bool:
    """Whether there is an index of that name, and it is valid; names as Postgres folds them."""
    cursor = plain(driver)
    cursor.execute("SELECT FROM pg_index WHERE indexrelid = %s AND indisvalid", (_oid(cursor, schema, name),))
    return bool(cursor.fetchall())


@contextmanager
def _aside(driver: psycopg.Connection[Any]) -> Iterator[psycopg.Cursor[Any]]:
    """A transaction that is always rolled back."""
    cursor = plain(driver)
    cursor.execute("BEGIN")
    try:
        yield cursor
    finally:
        if not driver.closed:
            cursor.execute("ROLLBACK")


def _oid(cursor: psycopg.Cursor[Any], schema: str | None, table: str) -> int | None:
    name = sql.Identifier(schema, table) if schema else sql.Identifier(table)
    cursor.execute("SELECT to_regclass(%s)::oid", (name.as_string(cursor),))
    ((oid,),) = cursor.fetchall()
    return None if oid is None else int(oid)


def _read(cursor: psycopg.Cursor[Any], table: int, index: str | None) -> tuple[Index, ...]:
    query = importlib.resources.files("notifydb.postgres").joinpath("sql/indexes.sql").read_text("utf-8")
    reader = psycopg.Cursor(cursor.connection, row_factory=dict_row)
    reader.execute("SELECT set_config('search_path', '', true)")
    reader.execute(query.encode(), {"table": table, "index": index})
    return tuple(Index(row["index"], row["valid"], row["definition"], row["built_by"]) for row in reader)
