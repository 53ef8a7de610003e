"""A transaction of its own for a plan or an execution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import psycopg
import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres import failures

_DEADLOCK = "40P01"
_FOREIGN_KEY = "23503"
_READ_ONLY = "25006"


@contextmanager
def transaction(
    conn: sa.Connection, isolation: Literal["REPEATABLE READ", "READ COMMITTED"]
) -> Iterator[sa.RootTransaction]:
    """Commits at the end of the block unless it was rolled back there; rolls back on any error.

    Raises InternalError when the connection is in a transaction already or commits each statement: what is
    planned and done here must not mix with anything else. Errors of the driver leave as NotifydbErrors.
    """
    if conn.in_transaction():
        raise errors.InternalError("a purge needs a connection without an open transaction")
    with failures.translated(), _translated(), conn.begin() as begun:
        driver = conn.connection.driver_connection
        if not isinstance(driver, psycopg.Connection) or driver.autocommit:
            raise errors.InternalError("a purge needs a psycopg connection that is not in autocommit")
        conn.execute(sa.text(f"SET TRANSACTION ISOLATION LEVEL {isolation}"))
        yield begun


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        state = failures.sqlstate(error)
        if state == _DEADLOCK:
            raise errors.LockNotAvailable(
                "another session wanted the same rows in another order; nothing was purged",
                hint="run it again",
            ) from error
        if state == _FOREIGN_KEY:
            raise errors.Unavailable(
                f"nothing was purged, some rows are still referred to: {failures.first_line(error)}",
                hint="plan again, when no test is running",
            ) from error
        if state == _READ_ONLY:
            raise errors.Refused(
                "the purge is refused", reasons=("the server or the session only reads",)
            ) from error
        raise
