"""The history of a database: what ran on it, when, by whom, how long, and how it ended."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import getpass
import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc

import notifydb
from notifydb.postgres.connect import driver_of, plain

_COLUMNS: Final = sa.text(
    """
    SELECT attname FROM pg_attribute
    WHERE attrelid = to_regclass('notifydb.history') AND attnum > 0 AND NOT attisdropped
    """
)
_READ_APPLIED: Final = sa.text(
    """
    SELECT DISTINCT ON (revision) revision, source_sha256, runner, finished_at,
           CASE WHEN encode(sha256(source), 'hex') = source_sha256 THEN source END AS source
    FROM notifydb.history WHERE outcome = 'done' AND revision IS NOT NULL ORDER BY revision, id DESC
    """
)
_READ_HASHES: Final = sa.text(
    """
    SELECT DISTINCT ON (revision) revision, source_sha256
    FROM notifydb.history WHERE outcome = 'done' AND revision IS NOT NULL ORDER BY revision, id DESC
    """
)
#: What was committed of a migration that has not been finished since, by its operation.
_READ_PARTS: Final = sa.text(
    """
    SELECT h.operation, h.revision, h.outcome, h.source_sha256, h.details, h.runner, h.finished_at
    FROM notifydb.history h
    WHERE h.outcome = 'partial' AND NOT EXISTS (
        SELECT FROM notifydb.history d WHERE d.revision = h.revision AND d.outcome = 'done' AND d.id > h.id)
    ORDER BY h.id
    """
)
_IS_DONE: Final = sa.text(
    """
    SELECT EXISTS (SELECT FROM notifydb.history WHERE outcome = 'done' AND operation = :operation
                   AND revision = :revision AND started_at = :started_at)
    """
)
_READ_NEWEST: Final = sa.text(
    """
    SELECT details FROM notifydb.history WHERE operation = :operation AND outcome = :outcome
    ORDER BY id DESC LIMIT 1
    """
)
#: Until the transaction ends, the role that a migration has set does not hold.
AS_CONNECTED: Final = "SET LOCAL role TO DEFAULT"
#: Of these variables the first that is set names the instance: Cloud Foundry's, then Kubernetes'.
_INSTANCES: Final = ("CF_INSTANCE_INDEX", "CF_INSTANCE_GUID", "POD_NAME")


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row of `notifydb.history`.

    `seconds` is how long it ran, `statements` how many it sent, `retries` how often it was begun again;
    `source_sha256` is of the file, `code_version` and `git_commit` of what it was deployed with, `version`
    notifydb's own. `source` is the file itself, where it is to be kept; reading the history leaves it out.
    """

    operation: str
    revision: str | None
    outcome: str
    seconds: float | None = None
    source_sha256: str | None = None
    details: Mapping[str, object] = dataclasses.field(default_factory=dict)
    runner: str = ""
    version: str = notifydb.__version__
    finished_at: datetime.datetime | None = None
    source: bytes | None = None
    started_at: datetime.datetime | None = None
    statements: int | None = None
    retries: int | None = None
    code_version: str | None = None
    git_commit: str | None = None
    instance: str | None = None


_FIELDS: Final = tuple(field.name for field in dataclasses.fields(Entry))


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What was last done to a revision, when and by whom; `source` is the whole file, where it was kept."""

    revision: str
    source_sha256: str | None
    runner: str
    finished_at: datetime.datetime
    source: bytes | None


def record(conn: sa.Connection | psycopg.Connection[Any], entry: Entry) -> None:
    """Adds a row to the history, in the connection's transaction."""
    driver = conn if isinstance(conn, psycopg.Connection) else driver_of(conn)
    # A plain cursor: what listens to the migration's cursors is not told of this.
    plain(driver).execute(insertion(driver, entry).encode())


def record_as_connected(driver: psycopg.Connection[Any], entry: Entry) -> None:
    """As `record`, in the middle of a migration: the role that it has set need not reach the history.

    That role is in force again after it.
    """
    cursor = plain(driver)
    role = cursor.execute("SELECT current_setting('role')").fetchone()
    back = psycopg.ClientCursor(driver).mogrify("SELECT set_config('role', %s, true)", role)
    # One message: outside of a transaction it is one of its own.
    cursor.execute(f"{AS_CONNECTED};\n{insertion(driver, entry)};\n{back}".encode())


def insertion(driver: psycopg.Connection[Any], entry: Entry) -> str:
    """The statement that adds a row to the history.

    Only what the entry says is written, so the table of an older notifydb, which has fewer columns, takes it.
    """
    row: dict[str, object] = {
        name: value for name in _FIELDS if (value := getattr(entry, name)) is not None and name != "details"
    }
    row |= {"runner": entry.runner or runner(), "details": _as_json(entry.details)}
    places = ", ".join(f"%({name})s" for name in row)
    statement = f"INSERT INTO notifydb.history ({', '.join(row)}) VALUES ({places})"  # noqa: S608
    return psycopg.ClientCursor(driver).mogrify(statement.encode(), row)


def _as_json(details: Mapping[str, object]) -> str:
    # A NUL is legal in JSON, and in no text of Postgres.
    return json.dumps(dict(details)).replace("\\u0000", "")


def columns(conn: sa.Connection) -> frozenset[str]:
    """The columns that the history has; none where nothing was recorded."""
    return frozenset(conn.scalars(_COLUMNS))


def read_history(conn: sa.Connection, *, limit: int = 1000) -> list[Entry]:
    """The rows of the history, the newest first; none where nothing was recorded."""
    there = columns(conn)
    names = [name for name in _FIELDS if name in there and name != "source"]
    if not names:
        return []
    rows = conn.execute(
        sa.text(f"SELECT {', '.join(names)} FROM notifydb.history ORDER BY id DESC LIMIT :limit"),  # noqa: S608
        {"limit": limit},
    )
    return [Entry(**row._mapping) for row in rows]  # noqa: SLF001


def read_applied(conn: sa.Connection) -> dict[str, Applied]:
    """The newest success of each revision; none where a history has no room for sources."""
    if "source" not in columns(conn):
        return {}
    return {row.revision: Applied(**row._mapping) for row in conn.execute(_READ_APPLIED)}  # noqa: SLF001


def read_hashes(conn: sa.Connection) -> dict[str, str]:
    """The SHA-256 of the file of each revision's newest success, where it was recorded."""
    if not columns(conn):
        return {}
    return {row.revision: row.source_sha256 for row in conn.execute(_READ_HASHES) if row.source_sha256}


def read_parts(conn: sa.Connection) -> list[Entry]:
    """What was committed of migrations that nobody has finished since, in the order of the commits."""
    if not columns(conn):
        return []
    return [Entry(**row._mapping) for row in conn.execute(_READ_PARTS)]  # noqa: SLF001


def forgetting(driver: psycopg.Connection[Any], entry: Entry) -> str:
    """The statement that removes the parts of a migration: they are what is left to do, until its success is there."""
    return psycopg.ClientCursor(driver).mogrify(
        "DELETE FROM notifydb.history WHERE outcome = 'partial' AND operation = %s AND revision = %s",
        (entry.operation, entry.revision),
    )


def is_done(conn: sa.Connection, entry: Entry) -> bool:
    """Whether the very attempt that the entry is about has been committed."""
    row = {"operation": entry.operation, "revision": entry.revision, "started_at": entry.started_at}
    return entry.started_at is not None and bool(conn.scalar(_IS_DONE, row))


def newest_details(conn: sa.Connection, operation: str, outcome: str) -> Mapping[str, Any] | None:
    """The details of the newest row of that operation and outcome; None where there is none."""
    if not columns(conn):
        return None
    details: Mapping[str, Any] | None = conn.scalar(
        _READ_NEWEST, {"operation": operation, "outcome": outcome}
    )
    return details


def record_decision(engine: sa.Engine, operation: str, outcome: str, reasons: Sequence[str] = ()) -> None:
    """Writes what the guard permitted or refused, where the schema is there and can be written."""
    entry = Entry(operation, None, outcome, details={"reasons": list(reasons)})
    try:
        with engine.begin() as conn:
            if columns(conn):
                record(conn, entry)
    except (sqlalchemy.exc.DBAPIError, psycopg.Error):
        # The decision stands whether or not it can be written down.
        return


@functools.cache
def runner() -> str:
    """Who runs this: user and host, and the instance where the platform names one."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    named = instance()
    return f"{user}@{socket.gethostname()}" + (f"/{named}" if named else "")


def instance() -> str | None:
    """The instance that the platform says this is, None where it says nothing."""
    return next((found for name in _INSTANCES if (found := os.environ.get(name))), None)
