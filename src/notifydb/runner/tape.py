"""Runs one migration on a shadow and takes down what it changes, to be sent again elsewhere."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

from notifydb import errors
from notifydb.lint.catalog import read_catalog
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.migrator.frames import call_chain, entry_of
from notifydb.migrator.offline import Captured
from notifydb.postgres.connect import driver_of, make_engine
from notifydb.postgres.cursors import AnyCursor, Sent, telling
from notifydb.revisions.graph import Revision
from notifydb.shadow.database import Shadows
from notifydb.sql.reading import only_reads

_COPY: Final = re.compile(r"\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)


def record(shadows: Shadows, project: Project, revision: Revision) -> tuple[Captured, ...]:
    """What `upgrade()` sends on a database that holds only what the migrations before it have loaded.

    Statements that only read, failed or were rolled back are left out. Raises MigrationFailed where it fails
    there, or does what no script can repeat; ShadowUnavailable.
    """
    if revision.is_merge:
        raise _unrepeatable(
            revision, "a merge stands on several states, so there is no one state to run it on"
        )
    with shadows.at(next(iter(revision.down_revisions), None)) as url:
        engine = make_engine(url, application_name="notifydb upgrade --sql")
        with engine.connect() as conn:
            catalog = read_catalog(driver_of(conn))
        tape = _Tape(revision, catalog.functions - catalog.volatile)
        with tape.listening(engine):
            execute.upgrade(engine, project, revision.id, history=shadows.history, listen=tape.listen)
    return tuple(tape.sent)


class _Tape:
    """What is sent from the migration's begin on, each with the number of its transaction."""

    def __init__(self, revision: Revision, harmless: Collection[str]) -> None:
        self.sent: list[Captured] = []
        self._revision = revision
        self._entry = entry_of(revision.path)
        self._harmless = harmless
        self._begun = False
        self._driver: psycopg.Connection[Any] | None = None
        self._count = itertools.count(1)
        self._numbers: dict[psycopg.Connection[Any], int | None] = {}

    def listen(self, event: execute.Event) -> None:
        self._begun |= isinstance(event, execute.Started)

    @contextmanager
    def listening(self, engine: sa.Engine) -> Iterator[None]:
        """Listens to all connections that the engine opens during the block."""
        sa.event.listen(engine, "rollback", self._rolled_back)
        with telling(engine, self._sending):
            yield

    @contextmanager
    def _sending(self, cursor: AnyCursor, sent: Sent) -> Iterator[None]:
        driver = cursor.connection
        number, sql = self._transaction(driver), sent.in_full(driver)
        frames = call_chain(self._entry) if self._begun else ()
        yield
        # What failed has changed nothing, and the migration may have meant to go on after it.
        if frames and not only_reads(sql, self._harmless):
            self._keep(driver, Captured(sql, frames, number))

    def _keep(self, driver: psycopg.Connection[Any], sent: Captured) -> None:
        if _COPY.match(sent.sql):
            raise _unrepeatable(self._revision, "it loads rows with COPY, which only the driver can send")
        if driver is not (self._driver or driver):
            raise _unrepeatable(self._revision, "it works on two connections at once")
        self._driver = driver
        self.sent.append(sent)

    def _transaction(self, driver: psycopg.Connection[Any]) -> int | None:
        """The number of the transaction that the next statement runs in; None outside of any."""
        number = self._numbers.get(driver)
        if driver.info.transaction_status is TransactionStatus.IDLE:
            number = None if driver.autocommit else next(self._count)
        elif number is None:
            # A BEGIN written as SQL.
            number = next(self._count)
        self._numbers[driver] = number
        return number

    def _rolled_back(self, conn: sa.Connection) -> None:
        if conn.invalidated:
            # The migrator has given its session up, and with it what was on the tape.
            return
        driver = driver_of(conn)
        lost = self._numbers.get(driver)
        # After a COMMIT written as SQL there is nothing to roll back.
        if lost is not None and driver.info.transaction_status is not TransactionStatus.IDLE:
            self.sent = [each for each in self.sent if each.transaction != lost]


def _unrepeatable(revision: Revision, why: str) -> errors.MigrationFailed:
    return errors.MigrationFailed(why, revision=revision.id)
