"""What answers at a URL: whether migrations can be run through it at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.connect import driver_of, own_engine, plain

_POLL_SECONDS: Final = 0.5
#: A pooler gives a free session to whoever comes; how often that is tried before it is believed not to.
_PROBES: Final = 4
_STATE: Final = sa.text(
    """
    SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
           current_setting('server_version_num')::int AS version
    """
)


def check_endpoint(url: str) -> None:
    """Raises ConfigurationError where no migration can be run: on a replica, read-only, or through a pooler.

    A pooler in transaction mode gives each transaction another session of the server: a lock of the session
    then protects nobody, and SET and CREATE INDEX CONCURRENTLY meet strangers (pgbouncer.org, "Features").
    """
    with failures.translated(), _engine(url).connect() as conn:
        state = conn.execute(_STATE).one()
        if state.standby:
            raise errors.ConfigurationError(
                "the server is a read replica: nothing can be written there",
                hint="set DATABASE_URL to the primary",
            )
        if state.read_only:
            raise errors.ConfigurationError(
                "the database is read-only (default_transaction_read_only)",
                hint="is this the server, and the role, that may write?",
            )
        if _shares_sessions(url, conn):
            raise errors.ConfigurationError(
                "a pooler in transaction mode is in between: its sessions are shared, so no lock would hold",
                hint="set DATABASE_URL to the server itself, or to a pool in session mode",
            )


def wait_until_reachable(url: str, seconds: float, waiting: Callable[[str], None]) -> None:
    """Returns when the server lets somebody in; `waiting` is told why it does not yet, whenever that changes.

    Raises DatabaseUnreachable after `seconds`, and at once what waiting does not mend.
    """
    deadline, told = time.monotonic() + seconds, ""
    while True:
        try:
            with failures.translated(), _engine(url).connect():
                return
        except errors.DatabaseUnreachable as error:
            if time.monotonic() >= deadline:
                raise
            if error.message != told:
                told = error.message
                waiting(told)
        time.sleep(min(_POLL_SECONDS, max(deadline - time.monotonic(), 0)))


def _shares_sessions(url: str, conn: sa.Connection) -> bool:
    """Whether two connections that are open at once are served by one session of the server."""
    ours = driver_of(conn)
    if ours.info.backend_pid == _session(ours):
        # The server itself told its number as it was connected to; a pooler makes one up.
        return False
    with _engine(url).connect() as other:
        theirs = driver_of(other)
        seen = [(_session(ours), _session(theirs)) for _ in range(_PROBES)]
    return any(mine == its for mine, its in seen) or len(set(seen)) > 1


def _engine(url: str) -> sa.Engine:
    return own_engine(url).execution_options(isolation_level="AUTOCOMMIT")


def _session(driver: psycopg.Connection[Any]) -> int:
    return int(plain(driver).execute("SELECT pg_backend_pid()").fetchall()[0][0])
