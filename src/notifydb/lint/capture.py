"""Listens to an engine while one migration, or a script, runs on it, and traces every statement that it sends."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

from notifydb.lint import snapshot, trace
from notifydb.lint.snapshot import Sampler, Snapshot
from notifydb.lint.statement import Execution
from notifydb.migrator.frames import Frame
from notifydb.postgres.cursors import AnyCursor, Sent, telling
from notifydb.sql.locks import LockMode


class Recorder:
    """Records what is sent; use `listening` around the run and read `executions` after it."""

    def __init__(self, origin: Callable[[], tuple[Frame, ...]], sampler: Sampler, initial: Snapshot) -> None:
        """`origin` tells where a statement comes from as it is sent; it is not recorded if that is nowhere.

        `initial` is the state before: whatever is not in it is new.
        """
        self.executions: list[Execution] = []
        self._origin = origin
        self._sampler = sampler
        self._initial = initial
        self._numbers = itertools.count(1)
        self._sessions: dict[psycopg.Connection[Any], _Session] = {}

    @contextmanager
    def listening(self, engine: sa.Engine) -> Iterator[None]:
        """Listens to all connections that the engine opens during the block."""
        with telling(engine, self._sending):
            yield

    @contextmanager
    def _sending(self, cursor: AnyCursor, sent: Sent) -> Iterator[None]:
        driver, sql = cursor.connection, sent.sql
        session = self._sessions.setdefault(driver, _Session(driver, self._initial))
        session.arrive()
        frames = self._origin()
        if not frames:
            session.last = None
            yield
            return
        transaction, before = session.transaction(self._numbers), session.before()
        watching = self._sampler.watching(driver.info.backend_pid) if transaction is None else _NOT_SAMPLED
        with watching as sampled:
            began = time.perf_counter()
            try:
                yield
            except Exception as error:
                left = session.compare(before, sampled) if session.is_outside else None
                self.executions.append(Execution(sql, frames, transaction, left, _failure(error)))
                raise
            duration = (time.perf_counter() - began) * 1000
        found = session.compare(before, sampled)
        traced = dataclasses.replace(found, duration_ms=duration)
        self.executions.append(Execution(sql, frames, transaction, traced))


_NOT_SAMPLED: AbstractContextManager[dict[int, LockMode] | None] = nullcontext()


class _Session:
    """One connection of the migration; `last` is its state after the last statement, if that was recorded."""

    def __init__(self, driver: psycopg.Connection[Any], initial: Snapshot) -> None:
        self.last: Snapshot | None = None
        self._number: int | None = None
        self._driver = driver
        self._initial = initial

    def arrive(self) -> None:
        """A statement is about to be sent, recorded or not."""
        if self._status is TransactionStatus.IDLE:
            self._number = None

    def transaction(self, numbers: Iterator[int]) -> int | None:
        """The number of the transaction that the next statement runs in; None outside of any.

        SQLAlchemy's idea of one is not enough: migrations write COMMIT as SQL.
        """
        if self.is_outside:
            return None
        self._number = self._number or next(numbers)
        return self._number

    @property
    def is_outside(self) -> bool:
        """Whether no transaction takes back what a failed statement has done."""
        return self._status is TransactionStatus.IDLE and self._driver.autocommit and not self._driver.closed

    def before(self) -> Snapshot:
        if self._status is TransactionStatus.IDLE:
            outside = snapshot.outside(self._driver)
            return outside if self._driver.autocommit else snapshot.started(outside)
        if self.last is None and self._status is TransactionStatus.INERROR:
            return snapshot.started(self._initial)
        return self.last or snapshot.inside(self._driver)

    def compare(self, before: Snapshot, sampled: dict[int, LockMode] | None) -> trace.Trace:
        """What has changed since `before`."""
        left = self._status is TransactionStatus.IDLE
        after = snapshot.outside(self._driver) if left else snapshot.inside(self._driver)
        self.last = None if left else after
        if left and self._number is not None:
            # A COMMIT: the transaction's counts are gone with it, and were told statement by statement.
            before, after = snapshot.started(before), snapshot.started(after)
        rewritten = snapshot.holding(self._driver, trace.renewed(before, after))
        return trace.compare(self._initial, before, after, rewritten, sampled)

    @property
    def _status(self) -> TransactionStatus:
        return self._driver.info.transaction_status


def _failure(error: Exception) -> trace.Failure:
    message = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return trace.Failure(message, getattr(error, "sqlstate", None))
