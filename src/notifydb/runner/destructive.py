"""The destructive guard of upgrades: what a migration takes away has to be permitted before it commits.

Every transaction is compared, before it commits, with the catalog at its begin: Alembic's own, one that the
migration ends with a raw COMMIT, and, outside of one, each statement in a transaction made for it. Only what
cannot run in a transaction runs bare, and none of that loses rows.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from sqlalchemy import event

from notifydb import errors, guard
from notifydb.guard import Request
from notifydb.postgres import losses
from notifydb.postgres.cursors import telling
from notifydb.revisions.graph import Revision
from notifydb.revisions.reader import parse_module
from notifydb.sql import facts, parse

#: A module-level string of this name in a migration says, with its reason, that it destroys on purpose.
MARK = "destructive"


class Watch:
    """Watches one engine's connections; `running` is the migration that is under way."""

    def __init__(self, request: Request) -> None:
        """`request` is what the guard is asked, with the migration's own mark filled in."""
        self.request = request
        self.running: Revision | None = None
        self._before: losses.Snapshot = {}
        self._truncated: list[str] = []
        self._wrapped = False

    @contextmanager
    def watching(self, engine: sa.Engine) -> Iterator[None]:
        """Watches what the connections do that the engine opens during the block."""
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "commit", self._commit)
        with telling(engine, self._sending):
            yield

    @contextmanager
    def _sending(self, driver: psycopg.Connection[Any], sql: str) -> Iterator[None]:
        if self.running is not None:
            self._before_statement(driver, sql)
        try:
            yield
        except BaseException:
            self._failed_statement(driver)
            raise
        self._after_statement(driver, sql)

    def _begin(self, conn: sa.Connection) -> None:
        driver = _driver(conn)
        if not driver.autocommit:
            self._remember(driver)

    def _commit(self, conn: sa.Connection) -> None:
        driver = _driver(conn)
        if driver.info.transaction_status is TransactionStatus.INTRANS:
            self._check(driver)

    def _before_statement(self, driver: psycopg.Connection[Any], sql: str) -> None:
        statements = parse.parse(sql)
        found = [fact for each in statements for fact in each.facts]
        self._truncated += [str(fact.relation) for fact in found if isinstance(fact, facts.Truncate)]
        if facts.Transaction("commit") in found:
            if len(statements) > 1:
                self._require(("commits in the middle of a string: what it does there cannot be checked",))
            self._check(driver)
        elif driver.info.transaction_status is TransactionStatus.IDLE and driver.autocommit:
            self._wrap(driver, found)

    def _wrap(self, driver: psycopg.Connection[Any], found: list[facts.Fact]) -> None:
        if any(isinstance(fact, facts.Opaque) for fact in found):
            self._require(
                ("runs a DO block or procedure outside of a transaction, which may commit by itself",)
            )
        elif not found or not all(_is_bare(fact) for fact in found):
            _plain(driver).execute("BEGIN")
            self._wrapped = True
            self._remember(driver)

    def _after_statement(self, driver: psycopg.Connection[Any], sql: str) -> None:
        if self._wrapped:
            try:
                self._check(driver)
            except errors.Refused:
                self._end(driver, "ROLLBACK")
                raise
            self._end(driver, "COMMIT")
        elif driver.autocommit and facts.Transaction("begin") in _facts(sql):
            self._remember(driver)

    def _failed_statement(self, driver: psycopg.Connection[Any]) -> None:
        if self._wrapped and not driver.closed:
            _plain(driver).execute("ROLLBACK")
        self._wrapped = False

    def _end(self, driver: psycopg.Connection[Any], how: str) -> None:
        self._wrapped = False
        _plain(driver).execute(how)

    def _remember(self, driver: psycopg.Connection[Any]) -> None:
        self._truncated = []
        with _plain(driver) as cursor:
            self._before = losses.snapshot(cursor)

    def _check(self, driver: psycopg.Connection[Any]) -> None:
        """Compares inside the transaction; Refused leaves it to be rolled back."""
        if self.running is None:
            return
        with _plain(driver) as cursor:
            lost = losses.losses(self._before, cursor)
            losses.flush_counts(cursor, driver.info.server_version)
        self._require((*lost, *(text for name in self._truncated if (text := self._truncation(name, lost)))))

    def _truncation(self, name: str, lost: tuple[str, ...]) -> str | None:
        """A TRUNCATE of a table that was there before; said once."""
        was_there = any(table.name.split(".")[-1] == name.split(".")[-1] for table in self._before.values())
        said = any(text.startswith("truncates ") and text.endswith(name) for text in lost)
        return f"truncates {name}" if was_there and not said else None

    def _require(self, lost: tuple[str, ...]) -> None:
        if not lost or self.running is None:
            return
        request = dataclasses.replace(self.request, reasoned=reason_of(self.running) is not None)
        refusals = guard.refusals(request)
        if refusals:
            raise errors.Refused(
                f"{self.running.id} destroys data, and that is refused here",
                reasons=(*lost, *refusals),
                hint=f'if it is meant, say so in the migration: {MARK} = "why it may go"',
            )


def reason_of(revision: Revision) -> str | None:
    """The reason that the migration's own `destructive = "..."` gives, None where it says nothing."""
    reason = None
    for node in parse_module(revision.path.read_bytes(), revision.path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if name == MARK:
                reason = text.strip() or None
    return reason


def _is_bare(fact: facts.Fact) -> bool:
    """Whether it has to run outside of a transaction, or sets what outlives one; none of these loses rows."""
    match fact:
        case facts.CreateIndex() | facts.DropIndex() | facts.Reindex() | facts.DetachPartition():
            return fact.concurrently
        case (
            facts.RewriteTable(command="VACUUM FULL" | "CLUSTER")
            | facts.OutsideOnly(command="VACUUM" | "CLUSTER of all tables")
        ):
            return True
        case facts.SetVariable() | facts.Transaction() | facts.AddEnumValue():
            return True
        case _:
            return False


def _facts(sql: str) -> list[facts.Fact]:
    return [fact for each in parse.parse(sql) for fact in each.facts]


def _plain(driver: psycopg.Connection[Any]) -> psycopg.Cursor[Any]:
    """A cursor that tells nobody what it sends."""
    return psycopg.Cursor(driver, row_factory=tuple_row)


def _driver(conn: sa.Connection) -> psycopg.Connection[Any]:
    driver = conn.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
