"""What a second sending of a statement does."""

from __future__ import annotations

import pytest

from notifydb.sql.builds import concurrent_build
from notifydb.sql.effect import Effect
from notifydb.sql.effects import effect_of, functions_of
from notifydb.sql.parse import parse

CASES = {
    "COMMIT": Effect.NONE,
    "SET lock_timeout = '2s'": Effect.NONE,
    "SHOW transaction isolation level": Effect.NONE,
    "SELECT id FROM users WHERE lower(name) = 'x'": Effect.NONE,
    "SELECT nextval('s')": Effect.ONCE,
    "SELECT id FROM users FOR UPDATE": Effect.NONE,
    "SELECT 1 INTO copy": Effect.ONCE,
    "WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone": Effect.ONCE,
    "CREATE INDEX CONCURRENTLY ix ON users (id)": Effect.AGAIN,
    "CREATE INDEX ix ON users (id)": Effect.ONCE,
    "DROP INDEX CONCURRENTLY ix": Effect.AGAIN,
    "VACUUM users": Effect.AGAIN,
    "ANALYZE users": Effect.AGAIN,
    "ALTER TABLE users VALIDATE CONSTRAINT c": Effect.AGAIN,
    "ALTER TABLE users ALTER COLUMN a SET NOT NULL": Effect.AGAIN,
    "ALTER TABLE users ADD COLUMN a int": Effect.ONCE,
    "UPDATE users SET a = 1": Effect.ONCE,
    "INSERT INTO users VALUES (1)": Effect.ONCE,
    "DO $$ BEGIN END $$": Effect.ONCE,
    "SELEC 1": Effect.ONCE,
    "SELECT 1; DELETE FROM users": Effect.ONCE,
    "": Effect.NONE,
}


@pytest.mark.parametrize(("sql", "effect"), CASES.items())
def test_effect(sql: str, effect: Effect) -> None:
    statements = parse(sql)
    assert effect_of(statements, functions_of(statements) & {"nextval"}) is effect


def test_a_build_and_its_other_forms() -> None:
    build = concurrent_build(
        'CREATE UNIQUE INDEX CONCURRENTLY "Ix" ON app.users (lower(a), b DESC) WHERE b > 0'
    )
    assert build is not None
    assert (build.index, build.schema, build.table) == ("Ix", "app", "users")
    assert "CONCURRENTLY IF NOT EXISTS" in build.if_absent
    assert "CONCURRENTLY" not in build.on_scratch
    assert "ON pg_temp.users" in build.on_scratch
    again = concurrent_build(build.if_absent)
    assert again is not None
    assert again.on_scratch == build.on_scratch


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX ix ON users (id)",
        "SELECT 1",
        "CREATE INDEX CONCURRENTLY a ON b (c); SELECT 1",
        "nonsense",
        "",
    ],
)
def test_what_is_no_concurrent_build(sql: str) -> None:
    assert concurrent_build(sql) is None


def test_a_delete_within_a_query_is_not_sent_a_second_time() -> None:
    """Bug: a WITH that changes rows counted as a query, so that a replay would have run it again."""
    statements = parse("WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone")
    assert effect_of(statements, frozenset()) is Effect.ONCE
