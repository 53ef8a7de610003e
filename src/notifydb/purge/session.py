"""Sessions and transactions of their own for a plan, a purge or a restore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

import psycopg
import sqlalchemy as sa
from psycopg import IsolationLevel
from psycopg.pq import TransactionStatus

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.connect import driver_of
from notifydb.postgres.session import end_with_the_client, in_milliseconds
from notifydb.purge.misfits import misfit

#: As others see the sessions.
PURGE: Final = "notifydb purge"
RESTORE: Final = "notifydb restore"
PLAN: Final = "notifydb plan"
_DEADLOCK: Final = "40P01"
_SERIALIZATION: Final = "40001"
#: Of a key with RESTRICT, PostgreSQL 18 says the second.
STILL_REFERRED: Final = ("23503", "23001")
_READ_ONLY: Final = "25006"
#: A table or a column that the catalog told of is not there any more.
_GONE: Final = ("42P01", "42703")
#: What a purge reads by, whatever the role or the database sets for others.
_READING: Final = {
    # A policy of row security would hide rows; without this they would be left as orphans.
    "row_security": "off",
    "work_mem": "64MB",
    # Conditions on keys that are hashed look dearer to the planner than they are.
    "jit": "off",
    "statement_timeout": "0",
}
#: An archive holds values as text: the same whoever writes and reads it.
_SETTINGS: Final = {
    **_READING,
    "client_encoding": "UTF8",
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "array_nulls": "on",
    "xmloption": "content",
    "idle_in_transaction_session_timeout": "0",
    # What an archive calls committed survives a crash of the server.
    "synchronous_commit": "on",
}


@contextmanager
def session(engine: sa.Engine, lock_timeout: float, name: str = PURGE) -> Iterator[sa.Connection]:
    """A connection of a purge's own, by that name; each statement waits `lock_timeout` seconds for a lock."""
    with failures.translated(), engine.connect() as conn:
        driver = driver_of(conn)
        driver.autocommit = True
        end_with_the_client(driver)
        wanted = {**_SETTINGS, "application_name": name, "lock_timeout": in_milliseconds(lock_timeout)}
        driver.execute(_call(wanted, local=False).encode())
        driver.autocommit = False
        try:
            yield conn
        finally:
            # With all that was set in it, nobody else is to have it.
            conn.invalidate()


def prepare_to_read(conn: sa.Connection, lock_timeout: float = 2) -> None:
    """For the transaction: all rows are seen, and each statement waits `lock_timeout` seconds for a lock."""
    conn.execute(sa.text(_call({**_READING, "lock_timeout": in_milliseconds(lock_timeout)}, local=True)))


def _call(wanted: Mapping[str, str], *, local: bool) -> str:
    calls = (f"set_config('{name}', '{value}', {str(local).lower()})" for name, value in wanted.items())
    return f"SELECT {', '.join(calls)}"


@contextmanager
def transaction(
    conn: sa.Connection, isolation: Literal["REPEATABLE READ", "READ COMMITTED"]
) -> Iterator[sa.RootTransaction]:
    """Commits at the end of the block unless it was rolled back there; rolls back on any error.

    Raises InternalError when the connection is in a transaction already or commits each statement: what is
    planned and done here must not mix with anything else. Errors of the driver leave as NotifydbErrors.
    """
    with failures.translated(), told_in_words():
        driver = driver_of(conn)
        if conn.in_transaction() or driver.info.transaction_status is not TransactionStatus.IDLE:
            raise errors.InternalError("a purge needs a connection without an open transaction")
        if driver.autocommit:
            raise errors.InternalError("a purge needs a connection that is not in autocommit")
        # What the driver then begins with.
        driver.isolation_level = IsolationLevel[isolation.replace(" ", "_")]
        with conn.begin() as begun:
            yield begun


class StillReferred(errors.Unavailable):
    """Rows that go are still referred to, by some that came meanwhile."""


@contextmanager
def told_in_words() -> Iterator[None]:
    """What others can cause leaves as Unavailable, to be tried again, or as Refused, where that would not mend it."""
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        state = failures.sqlstate(error)
        if state in (_DEADLOCK, _SERIALIZATION):
            raise errors.LockNotAvailable(
                "another session wanted the same rows in another order; this transaction was rolled back",
                hint="run it again",
            ) from error
        if state in STILL_REFERRED:
            raise StillReferred(
                f"rolled back, some rows are still referred to: {failures.first_line(error)}",
                hint="plan again, when no test is running",
            ) from error
        if state in _GONE:
            raise errors.Refused(
                "refused: the schema has changed since it was looked at",
                reasons=(failures.first_line(error),),
                hint="plan again",
            ) from error
        found = misfit(error)
        if found is not None:
            raise errors.Refused(
                f"refused, and rolled back: {found.what}", reasons=(found.why,), hint=found.hint
            ) from error
        if state == _READ_ONLY:
            raise errors.Refused(
                "the purge is refused", reasons=("the server or the session only reads",)
            ) from error
        raise
