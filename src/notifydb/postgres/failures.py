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
INVALID_SCHEMA_NAME = "3F000"
DISK_FULL = "53100"
#: Somebody else was in the way, and may be gone the next time: a lock timeout, a deadlock, a serialization failure.
_CONTENTION = (LOCK_NOT_AVAILABLE, "40P01", "40001")
#: What a session has set, or its role, that makes the server end it.
_TIMEOUTS = {
    "25P03": "idle_in_transaction_session_timeout",
    "25P04": "transaction_timeout",
    "57P05": "idle_session_timeout",
}
#: What CREATE EXTENSION says, by version, where the server has no such extension.
_NO_EXTENSION = {
    "0A000": re.compile(r'extension ".*" is not available'),
    "58P01": re.compile("extension control file"),
}
#: Shut down, crashed, starting, full.
_SERVER_GOES_AWAY = ("57P01", "57P02", "57P03", "53300", *_TIMEOUTS)


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a psycopg error, wrapped by SQLAlchemy or not."""
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    return getattr(original, "sqlstate", None)


def is_contention(error: BaseException) -> bool:
    """Whether the statement failed at what another session did, and may succeed when it is gone."""
    return sqlstate(error) in _CONTENTION


def is_connection_lost(error: BaseException) -> bool:
    """Whether the server went away, as opposed to refusing the statement."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        if error.orig is None or error.connection_invalidated:
            return error.connection_invalidated
        error = error.orig
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate.startswith("08") or error.sqlstate in _SERVER_GOES_AWAY


def timeout_of(error: BaseException) -> str | None:
    """The setting by which the server has ended the session; None where it was not that."""
    return _TIMEOUTS.get(sqlstate(error) or "")


def first_line(error: BaseException) -> str:
    """What the server said, in one line and without secrets."""
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) and error.orig else error
    lines = str(original).strip().splitlines()
    return redact(lines[0] if lines else type(original).__name__)


def remedy(error: BaseException) -> str:
    """What is to be done before a migration that has failed so is run again."""
    state, said = sqlstate(error), first_line(error)
    if isinstance(error, sqlalchemy.exc.ObjectNotExecutableError) and isinstance(error.target, str):
        return "put sa.text(...) around that string, as SQLAlchemy wants it since 2.0"
    if state in _NO_EXTENSION and _NO_EXTENSION[state].search(said):
        return (
            "have the extension installed on the server (the embedded one has none: let NOTIFYDB_POSTGRES_BIN "
            "name the programs of one that has it)"
        )
    if state == INSUFFICIENT_PRIVILEGE and "row-level security" not in said:
        return "give the role what it lacks, or use one that owns the tables"
    if state == DISK_FULL:
        return "make room on the server's disk"
    return "mend the migration"


@contextmanager
def translated() -> Iterator[None]:
    """Driver errors that mean so leave as DatabaseUnreachable, LockNotAvailable or ConfigurationError."""
    try:
        yield
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        ours = _translate(error)
        if ours is None:
            raise
        raise ours from error


# libpq gives no SQLSTATE for a refused connection, only the server's words.
_NO_DATABASE = re.compile(r'FATAL:\s+database ".*" does not exist')
_NOT_LET_IN = re.compile(
    r'FATAL:\s+(role ".*" (does not exist|is not permitted to log in)|password authentication failed'
    r"|no pg_hba.conf entry|permission denied for database)|fe_sendauth: no password supplied"
)
#: What no waiting mends, either: the address or the session's own settings.
_WRONG_ADDRESS = re.compile(
    r'definition of service ".*" not found|invalid \w+ value: '
    r"|FATAL:\s+(unrecognized configuration parameter|invalid value for parameter"
    r'|database ".*" is not currently accepting connections)'
)


def _translate(error: sa.exc.DBAPIError | psycopg.Error) -> errors.NotifydbError | None:
    state, said = sqlstate(error), first_line(error)
    if state == INVALID_CATALOG_NAME or _NO_DATABASE.search(said):
        return errors.ConfigurationError(f"the database does not exist: {said}")
    if state == INVALID_SCHEMA_NAME:
        return errors.ConfigurationError(
            f"a schema is not there: {said}",
            hint="SHOW search_path; create what it names, or: ALTER ROLE ... SET search_path = public",
        )
    if state == LOCK_NOT_AVAILABLE:
        return errors.LockNotAvailable(f"a lock was not granted in time: {said}", hint="try again later")
    if state == INSUFFICIENT_PRIVILEGE:
        return errors.ConfigurationError(
            f"the role lacks a privilege: {said}", hint="grant it, or use a role that owns the database"
        )
    if (state or "").startswith("28") or _NOT_LET_IN.search(said):
        return errors.ConfigurationError(
            f"the server does not let this role in: {said}",
            hint="notifydb settings shows the address, and where it comes from",
        )
    if state is None and _WRONG_ADDRESS.search(said):
        return errors.ConfigurationError(
            f"the database cannot be connected to like this: {said}",
            hint="notifydb settings shows the address, and where it comes from",
        )
    if is_connection_lost(error):
        return errors.DatabaseUnreachable(
            f"the database cannot be reached: {said}",
            hint="is the server up? notifydb settings shows the address",
        )
    return None
