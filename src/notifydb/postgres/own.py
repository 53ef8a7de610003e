"""The schema `notifydb` of a target database: its mark of what it is, and the history of what ran."""

from __future__ import annotations

import dataclasses
import datetime
import getpass
import importlib.resources
import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

import notifydb
from notifydb import errors
from notifydb.guard import Mark, Target
from notifydb.postgres import failures
from notifydb.settings.environment import Environment

SCHEMA = "notifydb"
_EXISTS = sa.text("SELECT to_regclass('notifydb.environment'), to_regclass('notifydb.history')")
_KEEPS_SOURCES = sa.text(
    """
    SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('notifydb.history')
                   AND attname = 'source' AND NOT attisdropped)
    """
)
_FINGERPRINT = """
    SELECT (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
           (SELECT oid::bigint FROM pg_database WHERE datname = current_database()) AS database_oid
"""
_READ_MARK = sa.text(
    f"""
    SELECT m.name, (m.system_identifier, m.database_oid) = (f.system_identifier, f.database_oid) AS ours
    FROM notifydb.environment m, ({_FINGERPRINT}) f
    """  # noqa: S608
)
_WRITE_MARK = sa.text(
    f"""
    INSERT INTO notifydb.environment (name, system_identifier, database_oid)
    SELECT :name, f.system_identifier, f.database_oid FROM ({_FINGERPRINT}) f
    ON CONFLICT (only_row) DO UPDATE SET name = excluded.name, set_at = now(), set_by = current_user,
        system_identifier = excluded.system_identifier, database_oid = excluded.database_oid
    """  # noqa: S608
)
_WRITE_HISTORY, _WRITE_WITH_SOURCE = (
    sa.text(
        f"""
        INSERT INTO notifydb.history
            (operation, revision, outcome, seconds, source_sha256, runner, version, details{column})
        VALUES
            (:operation, :revision, :outcome, :seconds, :source_sha256, :runner, :version,
             CAST(:details AS jsonb){value})
        """  # noqa: S608
    )
    for column, value in (("", ""), (", source", ", :source"))
)
_READ_HISTORY = sa.text(
    """
    SELECT operation, revision, outcome, finished_at, seconds, source_sha256, runner, version, details
    FROM notifydb.history ORDER BY id DESC LIMIT :limit
    """
)
_READ_APPLIED = sa.text(
    """
    SELECT DISTINCT ON (revision) revision, source_sha256, runner, finished_at,
           CASE WHEN encode(sha256(source), 'hex') = source_sha256 THEN source END AS source
    FROM notifydb.history WHERE outcome = 'done' AND revision IS NOT NULL ORDER BY revision, id DESC
    """
)
_READ_NEWEST = sa.text(
    """
    SELECT details FROM notifydb.history WHERE operation = :operation AND outcome = :outcome
    ORDER BY id DESC LIMIT 1
    """
)
_IS_EMPTY = sa.text(
    """
    SELECT NOT EXISTS (
        SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
          AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    )
    """
)


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row of `notifydb.history`: `seconds` is how long it ran, `source_sha256` what the file held.

    `source` is the file itself, where it is to be kept; reading the history leaves it out.
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


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What was last done to a revision, when and by whom; `source` is the whole file, where it was kept."""

    revision: str
    source_sha256: str | None
    runner: str
    finished_at: datetime.datetime
    source: bytes | None


def install(conn: sa.Connection, *, sources: bool = False) -> None:
    """Creates the schema and its tables where they are missing; `sources` asks for the room to keep them.

    Raises ConfigurationError when the role may not.
    """
    if None not in conn.execute(_EXISTS).one() and not (sources and not conn.scalar(_KEEPS_SOURCES)):
        return
    script = importlib.resources.files("notifydb.postgres").joinpath("sql/own_schema.sql")
    try:
        conn.exec_driver_sql(script.read_text(encoding="utf-8"))
    except sqlalchemy.exc.ProgrammingError as error:
        if failures.sqlstate(error) != failures.INSUFFICIENT_PRIVILEGE:
            raise
        raise errors.ConfigurationError(
            f"notifydb cannot create its schema: {failures.first_line(error)}",
            hint="let the role create it: GRANT CREATE ON DATABASE ... TO ...",
        ) from error


def is_empty(conn: sa.Connection) -> bool:
    """Whether nobody has put a table or view into the database; what extensions bring does not count."""
    return bool(conn.scalar(_IS_EMPTY))


def read_mark(conn: sa.Connection) -> Mark:
    """The database's own word on what it is; a row that cannot be read or understood is `unreadable`."""
    try:
        with conn.begin_nested():
            if conn.execute(_EXISTS).one()[0] is None:
                return Mark("missing")
            row = conn.execute(_READ_MARK).first()
    except sqlalchemy.exc.DBAPIError:
        return Mark("unreadable")
    if row is None:
        return Mark("missing")
    environment = Environment.parse(row.name)
    if environment is Environment.UNKNOWN:
        return Mark("unreadable")
    return Mark("present" if row.ours else "foreign", environment)


def write_mark(conn: sa.Connection, environment: Environment) -> None:
    """Says in the database that it is `environment`, bound to this server and this database.

    Raises ConfigurationError when the role may not ask the server who it is; the transaction stays usable.
    """
    try:
        with conn.begin_nested():
            conn.execute(_WRITE_MARK, {"name": environment.value})
    except sqlalchemy.exc.ProgrammingError as error:
        if failures.sqlstate(error) != failures.INSUFFICIENT_PRIVILEGE:
            raise
        raise errors.ConfigurationError(
            f"the database cannot be marked: {failures.first_line(error)}",
            hint="let the role ask: GRANT EXECUTE ON FUNCTION pg_control_system() TO ...",
        ) from error


def target_of(conn: sa.Connection, *, embedded: bool) -> Target:
    """What the guard has to know of the connected database."""
    name, standby = conn.execute(sa.text("SELECT current_database(), pg_is_in_recovery()")).one()
    return Target(name, read_mark(conn), embedded=embedded, standby=standby)


def record(conn: sa.Connection, entry: Entry) -> None:
    """Adds a row to the history, in the connection's transaction."""
    row = {
        "operation": entry.operation, "revision": entry.revision, "outcome": entry.outcome,
        "seconds": entry.seconds, "source_sha256": entry.source_sha256,
        "runner": entry.runner or runner(), "version": entry.version,
        "details": json.dumps(dict(entry.details)),
    }  # fmt: skip
    if entry.source is None:
        # The table of an older notifydb, which has no room for sources, takes it as well.
        conn.execute(_WRITE_HISTORY, row)
    else:
        conn.execute(_WRITE_WITH_SOURCE, {**row, "source": entry.source})


def read_history(conn: sa.Connection, *, limit: int = 1000) -> list[Entry]:
    """The rows of the history, the newest first; none where nothing was recorded."""
    if conn.execute(_EXISTS).one()[1] is None:
        return []
    return [Entry(**row._mapping) for row in conn.execute(_READ_HISTORY, {"limit": limit})]  # noqa: SLF001


def read_applied(conn: sa.Connection) -> dict[str, Applied]:
    """The newest success of each revision; none where a history has no room for sources."""
    if not conn.scalar(_KEEPS_SOURCES):
        return {}
    return {row.revision: Applied(**row._mapping) for row in conn.execute(_READ_APPLIED)}  # noqa: SLF001


def newest_details(conn: sa.Connection, operation: str, outcome: str) -> Mapping[str, Any] | None:
    """The details of the newest row of that operation and outcome; None where there is none."""
    if conn.execute(_EXISTS).one()[1] is None:
        return None
    details: Mapping[str, Any] | None = conn.scalar(
        _READ_NEWEST, {"operation": operation, "outcome": outcome}
    )
    return details


def runner() -> str:
    """Who runs this: user and host, and the instance where Cloud Foundry names one."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    instance = os.environ.get("CF_INSTANCE_INDEX") or os.environ.get("CF_INSTANCE_GUID")
    return f"{user}@{socket.gethostname()}" + (f"/{instance}" if instance else "")


def record_decision(engine: sa.Engine, operation: str, outcome: str, reasons: Sequence[str] = ()) -> None:
    """Writes what the guard permitted or refused, where the schema is there and can be written."""
    entry = Entry(operation, None, outcome, details={"reasons": list(reasons)})
    try:
        with engine.begin() as conn:
            if conn.execute(_EXISTS).one()[1] is not None:
                record(conn, entry)
    except sqlalchemy.exc.DBAPIError:
        # The decision stands whether or not it can be written down.
        return
