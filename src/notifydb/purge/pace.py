"""How fast a purge may go: so many rows a second, and no faster than the replicas follow."""

from __future__ import annotations

import threading
import time
from typing import Final

import sqlalchemy as sa

from notifydb.purge.events import Listener, Slowed

#: NULL where there is no replica, or none that the role may see.
_LAG: Final = sa.text("SELECT extract(epoch FROM max(replay_lag))::float8 FROM pg_stat_replication")
_LOOK_EVERY: Final = 1.0
_TOLD_EVERY: Final = 10.0


class Pace:
    """Shared by all sessions of a purge; `rate` is in rows a second, `lag` in seconds."""

    def __init__(self, rate: int | None, lag: float, tell: Listener) -> None:
        self._rate = rate
        self._lag = lag
        self._tell = tell
        self._lock = threading.Lock()
        self._free_at = time.monotonic()
        self._look_at = 0.0
        self._told_at = -_TOLD_EVERY

    def keep(self, conn: sa.Connection, rows: int, stop: threading.Event) -> None:
        """Waits as long as it takes after a batch of so many rows; `conn` has no open transaction."""
        if self._rate is not None:
            with self._lock:
                self._free_at = max(self._free_at, time.monotonic()) + rows / self._rate
                pause = self._free_at - time.monotonic()
            stop.wait(max(pause, 0))
        while not stop.is_set() and (lag := self._lag_of(conn)) > self._lag:
            self._say(f"a replica is {lag:.0f} s behind")
            stop.wait(_LOOK_EVERY)

    def _lag_of(self, conn: sa.Connection) -> float:
        with self._lock:
            if time.monotonic() < self._look_at:
                return 0
            self._look_at = time.monotonic() + _LOOK_EVERY
        with conn.begin():
            return float(conn.scalar(_LAG) or 0)

    def _say(self, reason: str) -> None:
        if time.monotonic() - self._told_at >= _TOLD_EVERY:
            self._told_at = time.monotonic()
            self._tell(Slowed(reason, _LOOK_EVERY))
