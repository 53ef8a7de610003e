"""One runner at a time, by an advisory lock that is polled, never queued for.

A session that waits inside `pg_advisory_lock()` holds a snapshot; CREATE INDEX CONCURRENTLY of the lock's
holder then waits for it, and Postgres kills one of the two as a deadlock. Polling in autocommit holds none.

A runner that is killed lets go of its lock at once, while the server may go on with the statement that it was
sent. So each session that migrates holds a second lock, shared among them, and who has the first waits until
nobody holds the second.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.connect import driver_of, own_engine, plain
from notifydb.postgres.ledger import runner
from notifydb.postgres.session import allow_idling

#: Two 32-bit halves: "noti" as a number, and what is locked.
_CLASS: Final = 0x6E6F7469
_TURN, _WORK = 1, 2
_POLL_SECONDS = 0.25

_CALL_IT: Final = sa.text("SELECT set_config('application_name', :name, false)")
_HOLDER = sa.text(
    """
    SELECT a.application_name, host(a.client_addr) AS host, l.pid, a.backend_start
    FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid = :class AND l.objid = :object
    """
)


#: Raises DatabaseUnreachable where the lock's own connection is gone, and the lock with it.
StillOurs = Callable[[], None]


@contextmanager
def advisory_lock(
    url: str, *, wait: float, waiting: Callable[[str], None] | None = None
) -> Iterator[StillOurs]:
    """Holds the lock for the block, which is told how to ask for it; `waiting` is told who else holds it.

    Raises RunnerActive when it is not free after `wait` seconds, DatabaseUnreachable where nobody answers.
    """
    with failures.translated():
        conn = own_engine(url).execution_options(isolation_level="AUTOCOMMIT").connect()
    try:
        deadline = time.monotonic() + wait
        with failures.translated():
            conn.execute(_CALL_IT, {"name": f"notifydb lock {runner()}"})
            allow_idling(driver_of(conn))
            _poll(conn, _TURN, deadline, waiting)
            # Taken and let go: nobody begins to work who has not had the turn.
            _poll(conn, _WORK, deadline, waiting)
            conn.execute(sa.text("SELECT pg_advisory_unlock(:class, :object)"), _names(_WORK))
        with _given_back(driver_of(conn)):
            yield partial(_ask_for, driver_of(conn))
    finally:
        # The lock goes with the session, which may be gone by now: there is nothing to roll back.
        conn.invalidate()
        conn.close()


@contextmanager
def _given_back(driver: psycopg.Connection[Any]) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        # Who stops a job waits for seconds, and a server that does not answer may be why it is stopped.
        raise
    except BaseException:
        let_go(driver)
        raise
    let_go(driver)


def _ask_for(driver: psycopg.Connection[Any]) -> None:
    try:
        plain(driver).execute("SELECT")
    except psycopg.Error as error:
        raise errors.DatabaseUnreachable(
            f"the connection that held the lock was lost: {failures.first_line(error)}",
            hint="run the same command again",
        ) from error


def hold_while_working(driver: psycopg.Connection[Any], still_ours: StillOurs) -> None:
    """Lets the session itself keep other runners out until it ends, whatever becomes of its client.

    Only then the first lock is asked for: what it guards from here on, this one does. Raises as that does.
    """
    plain(driver).execute("SELECT pg_advisory_lock_shared(%s, %s)", (_CLASS, _WORK))
    still_ours()


def let_go(driver: psycopg.Connection[Any]) -> None:
    """Gives the session's locks back: with the session they would go a moment after it was closed, and the next
    runner may be there by then."""
    with suppress(psycopg.Error):
        plain(driver).execute("SELECT pg_advisory_unlock_all()")


def _poll(conn: sa.Connection, key: int, deadline: float, waiting: Callable[[str], None] | None) -> None:
    told = ""
    while not conn.scalar(sa.text("SELECT pg_try_advisory_lock(:class, :object)"), _names(key)):
        holder = _holder(conn, key)
        if holder is None:
            # Given back between the two questions.
            continue
        if time.monotonic() >= deadline:
            raise errors.RunnerActive(
                f"another notifydb works on this database: {holder}",
                hint="wait for it, or raise --lock-wait",
            )
        if waiting is not None and holder != told:
            told = holder
            waiting(holder)
        time.sleep(_POLL_SECONDS * random.uniform(0.8, 1.2))  # noqa: S311


def _names(key: int) -> dict[str, int]:
    return {"class": _CLASS, "object": key}


def _holder(conn: sa.Connection, key: int) -> str | None:
    row = conn.execute(_HOLDER, _names(key)).first()
    if row is None:
        return None
    name = f"{row.application_name or 'unnamed'} (pid {row.pid})"
    if row.backend_start is None:
        # Another role's session: who is no member of it sees the name alone.
        return name
    return f"{name} on {row.host or 'the same machine'}, since {row.backend_start:%H:%M:%S}"
