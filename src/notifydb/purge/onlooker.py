"""Sees, from a session of its own, who is in a purge's way: when a lock was not granted, it is too late to ask."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc

from notifydb.postgres.activity import Wait, wait_of_any
from notifydb.sql.redaction import without_literals

#: How often it looks while a session waits for a lock as long as it may.
_LOOKS: Final = 3
_SHORTEST: Final = 0.05
#: Seconds; who was told to stop does not wait longer for the thread.
_GOODBYE: Final = 0.5


@dataclasses.dataclass
class Onlooker:
    """`seen` is what the sessions called `application` last waited for, None if for nothing or if nobody can tell.

    They wait `lock_timeout` seconds for a lock; literals in others' statements are masked.
    """

    engine: sa.Engine
    application: str
    lock_timeout: float
    seen: Wait | None = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Looks as long as the block runs; connects for one only that takes longer than the pause between looks."""
        self.seen, stop = None, threading.Event()
        thread = threading.Thread(target=self._look, args=(stop,), name="notifydb onlooker", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(_GOODBYE)

    def _look(self, stop: threading.Event) -> None:
        pause = max(self.lock_timeout / _LOOKS, _SHORTEST)
        if stop.wait(pause):
            return
        autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        # What it would have told is not worth a failure.
        with suppress(sqlalchemy.exc.DBAPIError, psycopg.Error), autocommit.connect() as conn:
            try:
                while not stop.is_set():
                    wait = wait_of_any(conn, self.application)
                    if wait is not None:
                        self.seen = wait.shown(without_literals)
                    stop.wait(pause)
            finally:
                # Who looks on may be late, and the pool that it would go back to be given up.
                conn.invalidate()
