"""Reading production's sizes: what is told, and that it can be done there at any time."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa

from conftest import query
from notifydb import errors
from notifydb.postgres import measure
from notifydb.postgres.connect import autocommit_engine
from notifydb.postgres.measure import read_sizes
from notifydb.postgres.sizes import TableSize

pytestmark = pytest.mark.postgres


def _run(url: str, *statements: str) -> None:
    with autocommit_engine(url).connect() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)


def test_rows_and_bytes_of_tables_indexes_and_toast(database: str) -> None:
    _run(
        database,
        "CREATE TABLE users (id integer PRIMARY KEY, note text)",
        "INSERT INTO users SELECT i, repeat('x', 100) FROM generate_series(1, 5000) i",
        "ALTER TABLE users ALTER note SET STORAGE EXTERNAL",
        "INSERT INTO users SELECT 5001, repeat('x', 100000)",
        "VACUUM ANALYZE users",
    )
    found = read_sizes(database)
    heap, toast, indexes = query(
        database,
        "SELECT pg_relation_size('users'), pg_relation_size(reltoastrelid), pg_indexes_size('users')"
        " FROM pg_class WHERE oid = 'users'::regclass",
    )[0]
    assert found.tables == {"public.users": TableSize(5001, heap, toast, indexes)}  # type: ignore[arg-type]
    assert found.server_version >= 130_000


def test_a_table_that_was_never_analysed_has_the_rows_that_were_counted(database: str) -> None:
    _run(
        database,
        "CREATE TABLE users (id integer)",
        "INSERT INTO users SELECT generate_series(1, 700)",
        "SELECT pg_stat_force_next_flush()" if _knows_flush(database) else "SELECT 1",
    )
    if _knows_flush(database):
        assert read_sizes(database).tables == {"public.users": TableSize(700)}


def _knows_flush(url: str) -> bool:
    return bool(query(url, "SELECT FROM pg_proc WHERE proname = 'pg_stat_force_next_flush'"))


def test_a_partitioned_table_sums_its_partitions(database: str) -> None:
    _run(
        database,
        "CREATE TABLE events (id integer PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF events FOR VALUES FROM (0) TO (1000) PARTITION BY RANGE (id)",
        "CREATE TABLE lowest PARTITION OF low FOR VALUES FROM (0) TO (500)",
        "CREATE TABLE high PARTITION OF events FOR VALUES FROM (1000) TO (9000)",
        "INSERT INTO events SELECT generate_series(0, 499)",
        "INSERT INTO events SELECT generate_series(1000, 1999)",
        "ANALYZE",
    )
    tables = read_sizes(database).tables
    assert {name: (size.rows, size.partitions) for name, size in tables.items()} == {
        "public.events": (1500, 2),
        "public.low": (500, 1),
        "public.lowest": (500, 0),
        "public.high": (1000, 0),
    }
    both = (tables["public.lowest"].bytes or 0) + (tables["public.high"].bytes or 0)
    assert tables["public.events"].bytes == both > 0


def test_what_is_the_server_s_or_ours_is_left_out(database: str) -> None:
    _run(
        database,
        "CREATE SCHEMA notifydb",
        "CREATE TABLE notifydb.history (id integer)",
        "CREATE VIEW v AS SELECT 1",
    )
    assert read_sizes(database).tables == {}


def test_it_waits_for_nobody_and_locks_no_table(database: str) -> None:
    """A migration that holds ACCESS EXCLUSIVE on every table is no obstacle."""
    _run(database, "CREATE TABLE users (id integer PRIMARY KEY)")
    with autocommit_engine(database).connect() as other:
        other.exec_driver_sql("BEGIN")
        other.exec_driver_sql("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        assert list(read_sizes(database).tables) == ["public.users"]
        other.exec_driver_sql("ROLLBACK")


def test_it_locks_catalogs_only(database: str) -> None:
    _run(database, "CREATE TABLE users (id integer PRIMARY KEY)")
    with autocommit_engine(database).connect() as conn:
        conn.exec_driver_sql("BEGIN")
        conn.exec_driver_sql(measure._query()).all()
        held = conn.exec_driver_sql(
            "SELECT DISTINCT relnamespace::regnamespace::text FROM pg_locks JOIN pg_class ON pg_class.oid = relation"
            " WHERE pid = pg_backend_pid()"
        ).all()
        conn.exec_driver_sql("ROLLBACK")
    assert [tuple(row) for row in held] == [("pg_catalog",)]


def test_it_cannot_write(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_query", lambda: "CREATE TABLE written ()")
    with pytest.raises(sa.exc.DBAPIError) as raised:
        read_sizes(database)
    assert isinstance(raised.value.orig, psycopg.errors.ReadOnlySqlTransaction)


def test_a_server_that_takes_too_long_is_left_alone(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_PATIENCE", 1)
    monkeypatch.setattr(measure, "_query", lambda: "SELECT pg_sleep(60)")
    with pytest.raises(errors.Unavailable, match="more than ten seconds"):
        read_sizes(database)


def test_a_role_without_any_privilege_may_read_it(database: str) -> None:
    _run(
        database,
        "CREATE TABLE users (id integer)",
        "DROP ROLE IF EXISTS lint_reader",
        "CREATE ROLE lint_reader LOGIN",
    )
    try:
        reader = sa.make_url(database).set(username="lint_reader").render_as_string(hide_password=False)
        assert list(read_sizes(reader).tables) == ["public.users"]
    finally:
        _run(database, "DROP ROLE lint_reader")
