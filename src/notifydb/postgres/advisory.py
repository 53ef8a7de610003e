"""One runner at a time, by an advisory lock that is polled, never queued for.

A session that waits inside `pg_advisory_lock()` holds a snapshot; CREATE INDEX CONCURRENTLY of the lock's
holder then waits for it, and Postgres kills one of the two as a deadlock. Polling in autocommit holds none.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres.connect import autocommit_engine

#: Two 32-bit halves: "noti" as a number, and what is locked.
_CLASS = 0x6E6F7469
MIGRATIONS = 1
_POLL_SECONDS = 0.25

_HOLDER = sa.text(
    """
    SELECT a.application_name, host(a.client_addr) AS host, a.pid, a.backend_start
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid = :class AND l.objid = :object
    """
)


@contextmanager
def advisory_lock(
    url: str, key: int = MIGRATIONS, *, wait: float, waiting: Callable[[str], None] | None = None
) -> Iterator[None]:
    """Holds the lock for the block; `waiting` is told once who holds it.

    Raises RunnerActive when it is not free after `wait` seconds.
    """
    names = {"class": _CLASS, "object": key}
    with autocommit_engine(url, application_name="notifydb lock").connect() as conn:
        deadline, told = time.monotonic() + wait, False
        while not conn.scalar(sa.text("SELECT pg_try_advisory_lock(:class, :object)"), names):
            holder = _holder(conn, names)
            if time.monotonic() >= deadline:
                raise errors.RunnerActive(
                    f"another notifydb works on this database: {holder}",
                    hint="wait for it, or raise --lock-wait",
                )
            if waiting is not None and not told:
                waiting(holder)
                told = True
            time.sleep(_POLL_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311
        yield


def _holder(conn: sa.Connection, names: dict[str, int]) -> str:
    row = conn.execute(_HOLDER, names).first()
    if row is None:
        return "it has just finished"
    place = row.host or "the same machine"
    return (
        f"{row.application_name or 'unnamed'} (pid {row.pid}) on {place}, since {row.backend_start:%H:%M:%S}"
    )
