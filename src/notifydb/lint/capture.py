"""Listens to an engine while one migration runs on it, and traces every statement that it sends."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

from notifydb.lint import snapshot, trace
from notifydb.lint.snapshot import Sampler, Snapshot
from notifydb.lint.statement import Execution
from notifydb.migrator.frames import Frame, call_chain
from notifydb.sql.locks import LockMode


class Recorder:
    """Records what `migration` sends; use `listening` around the run and read `executions` after it."""

    def __init__(self, migration: Path, sampler: Sampler, initial: Snapshot) -> None:
        """`initial` is the state before the migration: whatever is not in it is new."""
        self.executions: list[Execution] = []
        self._migration = migration
        self._sampler = sampler
        self._initial = initial
        self._transactions = 0
        self._current: int | None = None
        self._running: _Running | None = None
        self._last: Snapshot | None = None

    @contextmanager
    def listening(self, engine: sa.Engine) -> Iterator[None]:
        """Attaches to the engine's cursor events for the block."""
        listeners: dict[str, Callable[..., Any]] = {
            "before_cursor_execute": self._before,
            "after_cursor_execute": self._after,
            "handle_error": self._failed,
        }
        with ExitStack() as stack:
            for name, listener in listeners.items():
                sa.event.listen(engine, name, listener)
                stack.callback(sa.event.remove, engine, name, listener)
            yield

    def _before(
        self, conn: sa.Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool
    ) -> None:
        driver = driver_of(conn)
        self._note_transaction(driver)
        frames = call_chain(self._migration)
        if not frames:
            self._last = None
            return
        before = self._snapshot_before(driver)
        self._running = _Running(
            _bound(driver, statement, parameters, many=many), frames, self._current, before
        )
        if self._current is None:
            self._running.watch(self._sampler.watching(driver.info.backend_pid))
        self._running.start()

    def _after(self, conn: sa.Connection, *_: Any) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        duration = running.stop()
        driver = driver_of(conn)
        left = driver.info.transaction_status is TransactionStatus.IDLE
        after = snapshot.outside(driver) if left else snapshot.inside(driver)
        self._last = None if left else after
        self.executions.append(running.traced(self._initial, after, duration, left=left))

    def _failed(self, context: sa.ExceptionContext) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        running.stop()
        original = context.original_exception
        message = str(original).strip().splitlines()[0] if str(original).strip() else type(original).__name__
        failure = trace.Failure(message, getattr(original, "sqlstate", None))
        self.executions.append(Execution(running.sql, running.frames, running.transaction, failure=failure))

    def _note_transaction(self, driver: psycopg.Connection[Any]) -> None:
        """SQLAlchemy's idea of a transaction is not enough: migrations write COMMIT as SQL."""
        idle = driver.info.transaction_status is TransactionStatus.IDLE
        if idle and driver.autocommit:
            self._current = None
        elif idle or self._current is None:
            self._transactions += 1
            self._current = self._transactions

    def _snapshot_before(self, driver: psycopg.Connection[Any]) -> Snapshot:
        if driver.info.transaction_status is TransactionStatus.IDLE:
            outside = snapshot.outside(driver)
            return outside if self._current is None else snapshot.started(outside)
        return self._last or snapshot.inside(driver)


class _Running:
    """A statement on its way."""

    def __init__(
        self, sql: str, frames: tuple[Frame, ...], transaction: int | None, before: Snapshot
    ) -> None:
        self.sql = sql
        self.frames = frames
        self.transaction = transaction
        self.before = before
        self.sampled: dict[int, LockMode] | None = None
        self._stack = ExitStack()
        self._began = 0.0

    def watch(self, watching: AbstractContextManager[dict[int, LockMode]]) -> None:
        self.sampled = self._stack.enter_context(watching)

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> float:
        """Milliseconds since the start."""
        elapsed = (time.perf_counter() - self._began) * 1000
        self._stack.close()
        return elapsed

    def traced(self, initial: Snapshot, after: Snapshot, duration: float, *, left: bool) -> Execution:
        before = self.before
        if left and self.transaction is not None:
            # A COMMIT: the transaction's counts are gone with it, and were told statement by statement.
            before = snapshot.started(before)
            after = snapshot.started(after)
        found = trace.compare(initial, before, after, self.sampled)
        return Execution(
            self.sql, self.frames, self.transaction, dataclasses.replace(found, duration_ms=duration)
        )


def driver_of(conn: sa.Connection) -> psycopg.Connection[Any]:
    """The psycopg connection below SQLAlchemy's."""
    driver = conn.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _bound(driver: psycopg.Connection[Any], statement: str, parameters: Any, *, many: bool) -> str:
    """The text with its parameters in it, as the server would see it; of many rows, the first."""
    values = parameters[0] if many and parameters else parameters
    if not values:
        return statement
    try:
        return psycopg.ClientCursor(driver).mogrify(statement, values)
    except psycopg.Error:
        return statement
