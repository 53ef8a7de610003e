"""The schema `notifydb` of a target database, and its mark of what the database is."""

from __future__ import annotations

import importlib.resources

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb import errors
from notifydb.guard import Mark, Target
from notifydb.postgres import failures, ledger
from notifydb.settings.environment import Environment

SCHEMA = "notifydb"
_MARK_EXISTS = sa.text("SELECT to_regclass('notifydb.environment') IS NOT NULL")
#: What the newest of our scripts adds; where it is, so is all else.
_NEWEST_COLUMNS = frozenset({"source", "retries"})
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


def install(conn: sa.Connection) -> None:
    """Creates the schema and its tables, or what an older notifydb's lack.

    Raises ConfigurationError when the role may not.
    """
    if conn.scalar(_MARK_EXISTS) and ledger.columns(conn) >= _NEWEST_COLUMNS:
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
            if not conn.scalar(_MARK_EXISTS):
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
