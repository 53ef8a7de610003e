"""Driver errors become ours, once, by SQLSTATE."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc

from notifydb import errors
from notifydb.settings.url import redact

# https://www.postgresql.org/docs/current/errcodes-appendix.html
LOCK_NOT_AVAILABLE = "55P03"
INSUFFICIENT_PRIVILEGE = "42501"
INVALID_CATALOG_NAME = "3D000"
_SERVER_GOES_AWAY = ("57P01", "57P02", "57P03", "53300")


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a psycopg error, wrapped by SQLAlchemy or not."""
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return getattr(original, "sqlstate", None)


def is_connection_lost(error: BaseException) -> bool:
    """Whether the server went away, as opposed to refusing the statement."""
    if not isinstance(error, sqlalchemy.exc.DBAPIError):
        return False
    state = sqlstate(error)
    if state is None:
        return error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
    return state.startswith("08") or state in _SERVER_GOES_AWAY


def first_line(error: BaseException) -> str:
    """What the server said, in one line and without secrets."""
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig else error
    lines = str(original).strip().splitlines()
    return redact(lines[0] if lines else type(original).__name__)


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors that mean so leave as DatabaseUnreachable, LockNotAvailable or ConfigurationError."""
    try:
        yield
    except sqlalchemy.exc.DBAPIError as error:
        ours = _translate(error)
        if ours is None:
            raise
        raise ours from error


# libpq gives no SQLSTATE for a refused connection, only the server's words.
_NO_DATABASE = re.compile(r'FATAL:\s+database ".*" does not exist')
_NOT_LET_IN = re.compile(
    r'FATAL:\s+(role ".*" does not exist|password authentication failed|no pg_hba.conf entry)'
)


def _translate(error: sa.exc.DBAPIError) -> errors.NotifydbError | None:
    state, said = sqlstate(error), first_line(error)
    if state == INVALID_CATALOG_NAME or _NO_DATABASE.search(said):
        return errors.ConfigurationError(f"the database does not exist: {said}")
    if state == LOCK_NOT_AVAILABLE:
        return errors.LockNotAvailable(f"a lock was not granted in time: {said}", hint="try again later")
    if state == INSUFFICIENT_PRIVILEGE:
        return errors.ConfigurationError(
            f"the role lacks a privilege: {said}", hint="grant it, or use a role that owns the database"
        )
    if (state or "").startswith("28") or _NOT_LET_IN.search(said):
        return errors.ConfigurationError(f"the server does not let this role in: {said}")
    if is_connection_lost(error):
        return errors.DatabaseUnreachable(
            f"the database cannot be reached: {said}",
            hint="is the server up? notifydb settings shows the address",
        )
    return None
