"""What answers at a URL: whether migrations can be run through it at all."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.connect import driver_of, own_engine, plain
from notifydb.settings.environment import Name

_POLL_SECONDS: Final = 0.5
#: A pooler gives a free session to whoever comes; how often that is tried before it is believed not to.
_PROBES: Final = 4
_STATE: Final = sa.text(
    """
    SELECT pg_is_in_recovery() AS standby, current_setting('transaction_read_only') = 'on' AS read_only,
           current_setting('session_replication_role') <> 'origin' AS unchecked
    """
)


@dataclasses.dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nothing can be written through a URL, and what to do about it."""

    reason: str
    hint: str


def check_endpoint(url: str) -> None:
    """Raises ConfigurationError where no migration can be run: on a replica, read-only, or through a pooler.

    A pooler in transaction mode gives each transaction another session of the server: a lock of the session
    then protects nobody, and SET and CREATE INDEX CONCURRENTLY meet strangers (pgbouncer.org, "Features").
    """
    with failures.translated(), _engine(url).connect() as conn:
        found = _obstacle(url, conn, conn.execute(_STATE).one())
    if found is not None:
        raise errors.ConfigurationError(found.reason, hint=found.hint)


def why_unfit(url: str, conn: sa.Connection) -> str | None:
    """Why no rows should be deleted through that URL, which the connection was made by; None where they can."""
    state = conn.execute(_STATE).one()
    found = _obstacle(url, conn, state)
    if found is not None:
        return found.reason
    # Nothing would keep what is left from referring to what is gone.
    return (
        "sessions here skip triggers and foreign keys (session_replication_role)" if state.unchecked else None
    )


def names_of(url: str, conn: sa.Connection) -> tuple[Name, ...]:
    """What the URL, the driver and the server call host and database, each name once."""
    parsed, driver = sa.make_url(url), driver_of(conn)
    said: dict[str, str] = {}
    for host in (*_hosts(parsed), driver.info.host):
        said.setdefault(host, "the host")
    for database in (parsed.database, driver.info.dbname, conn.scalar(sa.text("SELECT current_database()"))):
        said.setdefault(database or "", "the database")
    return tuple(Name(source, text) for text, source in said.items() if text)


def _hosts(url: sa.URL) -> Iterator[str]:
    """libpq takes several hosts, with commas or one by one."""
    given = url.query.get("host", ())
    for each in (url.host or "", *([given] if isinstance(given, str) else given)):
        yield from each.split(",")


def _obstacle(url: str, conn: sa.Connection, state: sa.Row[Any]) -> Obstacle | None:
    if state.standby:
        return Obstacle(
            "the server is a read replica: nothing can be written there", "set DATABASE_URL to the primary"
        )
    if state.read_only:
        return Obstacle(
            "the database is read-only (default_transaction_read_only)",
            "is this the server, and the role, that may write?",
        )
    if _shares_sessions(url, conn):
        return Obstacle(
            "a pooler in transaction mode is in between: its sessions are shared, so no lock would hold",
            "set DATABASE_URL to the server itself, or to a pool in session mode",
        )
    return None


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
    # A pool may have no second session while a transaction holds the first.
    conn.rollback()
    with _engine(url).connect() as one, _engine(url).connect() as other:
        seen = [(_session(driver_of(one)), _session(driver_of(other))) for _ in range(_PROBES)]
    return any(mine == its for mine, its in seen) or len(set(seen)) > 1


def _engine(url: str) -> sa.Engine:
    return own_engine(url).execution_options(isolation_level="AUTOCOMMIT")


def _session(driver: psycopg.Connection[Any]) -> int:
    return int(plain(driver).execute("SELECT pg_backend_pid()").fetchall()[0][0])
