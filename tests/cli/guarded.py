"""A database that must not be purged, and the command on it."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.conftest import Notifydb, Outcome
from conftest import name_of, query
from notifydb.postgres import own
from notifydb.postgres.connect import make_engine
from notifydb.settings import Environment
from notifydb.shadow.server import Server

PREFIX = "notify-tests-preview"
TEST = {"NOTIFYDB_ENVIRONMENT": "test"}
ALLOW = {"NOTIFYDB_ALLOW_DESTRUCTIVE": "true"}
NEVER = "purge is never done there"
SHOP = """
    CREATE TABLE users (id int PRIMARY KEY, email_address text UNIQUE, platform_admin bool DEFAULT false);
    CREATE TABLE events (id int PRIMARY KEY, user_id int REFERENCES users);
    INSERT INTO users SELECT n, CASE WHEN n > 2 THEN 'person-' || n
        ELSE 'notify-tests-preview+' || gen_random_uuid() END || '@example.gov' FROM generate_series(1, 9) n;
    INSERT INTO events SELECT n, n FROM generate_series(1, 9) n
"""
#: All that a refusal must leave as it was: rows, and all of the history but refusals.
STATE = """
    SELECT (SELECT array_agg(u::text ORDER BY id) FROM users u), (SELECT array_agg(e::text ORDER BY id) FROM events e),
           (SELECT count(*) FROM notifydb.history WHERE outcome <> 'refused')
"""


def fill(url: str, environment: Environment = Environment.TEST) -> None:
    """Two test users, seven others, and the mark."""
    with make_engine(url).begin() as conn:
        conn.exec_driver_sql(SHOP)
        own.install(conn)
        own.write_mark(conn, environment)


def mark(url: str, environment: Environment = Environment.TEST) -> None:
    with make_engine(url).begin() as conn:
        own.write_mark(conn, environment)


@dataclasses.dataclass(frozen=True)
class Guarded:
    """The command on one database, as it must not work."""

    url: str
    notifydb: Notifydb
    root: Path

    def purge(self, *arguments: str, confirm: str | None = None, **variables: str) -> Outcome:
        """With the right prefix and the right name, but for what is given."""
        prefix = () if "--prefix" in arguments else ("--prefix", PREFIX)
        typed = ("--confirm", name_of(self.url) if confirm is None else confirm)
        variables = {"DATABASE_URL": self.url, **variables}
        return self.notifydb("purge", *prefix, *typed, *arguments, **variables)

    def refuses(
        self, reason: str, *arguments: str, code: Any = 3, confirm: str | None = None, **variables: str
    ) -> None:
        """The command exits with `code`, says `reason`, and has changed nothing."""
        with self.unchanged():
            outcome = self.purge(*arguments, confirm=confirm, **variables)
        assert outcome.code == code, outcome
        assert reason in outcome.err, outcome
        assert "deleted" not in outcome.err

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        before = query(self.url, STATE)
        yield
        assert query(self.url, STATE) == before

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)


@contextmanager
def shop_on(server: Server) -> Iterator[str]:
    """The URL of a filled database, for many tests: none of them may change it."""
    name = f"test_{secrets.token_hex(6)}"
    query(server.url("postgres"), f'CREATE DATABASE "{name}" TEMPLATE template0')
    fill(server.url(name))
    yield server.url(name)
    query(server.url("postgres"), f'DROP DATABASE "{name}" WITH (FORCE)')
