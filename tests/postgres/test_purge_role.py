"""The role of docs/guard.md purges with what the page grants it, and can do nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres.purge_support import PREFIX, settings

from conftest import ROOT, name_of, query
from notifydb import errors, guard
from notifydb.guard import Operation, Request
from notifydb.postgres import own
from notifydb.postgres.connect import make_engine
from notifydb.purge.events import Event, Vacuumed
from notifydb.purge.execute import How, execute
from notifydb.purge.plan import build_plan
from notifydb.settings import Environment, Voice

#: Of the role's own words on the page, the ones that are another's here.
NAMES = {"DATABASE notify": "DATABASE {database}", "purger": "purger_{database}"}
SHOP = f"""
    CREATE TABLE alembic_version (version_num text);
    CREATE TABLE users (id int PRIMARY KEY, email_address text, platform_admin bool DEFAULT false);
    CREATE TABLE events (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users);
    CREATE TABLE parts (id int PRIMARY KEY, event_id int NOT NULL REFERENCES events);
    INSERT INTO users SELECT n, CASE n % 2 WHEN 0 THEN 'person-' || n
        ELSE '{PREFIX}+' || gen_random_uuid() END || '@example.gov' FROM generate_series(1, 8) n;
    INSERT INTO alembic_version VALUES ('0001_users')
"""
LEFT = (
    "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM events), (SELECT count(*) FROM parts),"
    " (SELECT array_agg(outcome) FROM notifydb.history WHERE operation = 'purge')"
)


def statements() -> list[str]:
    """The SQL of the page, a statement each."""
    page = (ROOT / "docs" / "guard.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    return [statement for each in block.split(";") if (statement := each.strip())]


@pytest.fixture
def shop(database: str) -> str:
    with make_engine(database).begin() as conn:
        conn.exec_driver_sql(SHOP)
        own.install(conn)
        own.write_mark(conn, Environment.TEST)
    return database


@pytest.fixture
def purger(shop: str) -> Iterator[str]:
    """The URL of the page's role."""
    name = name_of(shop)
    role = NAMES["purger"].format(database=name)
    try:
        for statement in statements():
            for said, here in NAMES.items():
                statement = statement.replace(said, here.format(database=name))
            query(shop, statement)
        yield sa.make_url(shop).set(username=role).render_as_string(hide_password=False)
    finally:
        query(shop, f"DROP OWNED BY {role}")
        query(shop, f"DROP ROLE {role}")


def permit(url: str) -> guard.Permit:
    """Made from what the role itself can read."""
    with make_engine(url).connect() as conn:
        target = own.target_of(conn, embedded=False)
    voices = (Voice("a test", Environment.TEST),)
    return guard.permit(Request(Operation.PURGE, target, voices, confirmation=target.database))


@pytest.mark.parametrize("rows", [8, 20_000])
def test_the_role_purges(rows: int, shop: str, purger: str, tmp_path: Path) -> None:
    query(shop, f"INSERT INTO events SELECT n, n % 8 + 1 FROM generate_series(1, {rows}) n")
    query(shop, f"INSERT INTO parts SELECT n, n FROM generate_series(1, {rows}) n")
    with make_engine(purger).connect() as conn:
        plan = build_plan(conn, settings(), PREFIX)
    events: list[Event] = []
    purged = execute(purger, permit(purger), plan, How(tmp_path), listen=events.append)
    assert purged.rows == rows + 4
    assert query(shop, LEFT) == [(4, rows // 2, rows // 2, ["done"])]
    # It owns no table, so the server leaves them as they are, and says so.
    assert all(event.problem for event in events if isinstance(event, Vacuumed))


def test_the_role_leaves_nothing_of_a_purge_that_failed(shop: str, purger: str, tmp_path: Path) -> None:
    """It may delete nothing of the journal: the purge was then told to be cut short, its archive stayed."""
    with make_engine(purger).connect() as conn:
        plan = build_plan(conn, settings(lock_timeout=0.2, attempts=1), PREFIX)
    with make_engine(shop).connect() as other:
        other.exec_driver_sql("SELECT FROM users WHERE id = 1 FOR UPDATE")
        with pytest.raises(errors.LockNotAvailable):
            execute(purger, permit(purger), plan, How(tmp_path))
    assert query(shop, "SELECT state, rows, archive FROM notifydb.purge") == [("done", 0, None)]
    assert list(tmp_path.iterdir()) == []
    with make_engine(purger).connect() as conn:
        assert build_plan(conn, settings(), PREFIX).unfinished == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE notifydb.environment SET name = 'development'",
        "DELETE FROM notifydb.environment",
        "DELETE FROM notifydb.history",
        "UPDATE notifydb.history SET outcome = 'done'",
        "DELETE FROM notifydb.purge",
        "ALTER DATABASE {database} SET notifydb.environment = 'test'",
        "UPDATE alembic_version SET version_num = '0002_more'",
        "TRUNCATE events",
        "DROP TABLE events",
        "INSERT INTO users (id) VALUES (99)",
        "CREATE TABLE notifydb.more (id int)",
        "SET session_replication_role = replica",
    ],
)
def test_the_role_can_do_nothing_else(statement: str, shop: str, purger: str) -> None:
    refused = "permission denied|must be owner"
    with make_engine(purger).begin() as conn, pytest.raises(sa.exc.ProgrammingError, match=refused):
        conn.exec_driver_sql(statement.format(database=name_of(shop)))
