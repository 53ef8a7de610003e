"""The schema `notifydb` of a target database, and its mark of what the database is."""

from __future__ import annotations

import importlib.resources
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb import errors
from notifydb.guard import Mark, Permit, Target, second_thoughts
from notifydb.postgres import failures, ledger
from notifydb.postgres.connect import driver_of
from notifydb.postgres.relations import quoted
from notifydb.settings.environment import Environment, Voice, strictest

SCHEMA = "notifydb"
_MARK_EXISTS = sa.text("SELECT to_regclass('notifydb.environment') IS NOT NULL")
#: What the newest of our scripts adds; where it is, so is all else.
_NEWEST_COLUMNS = frozenset({"source", "retries"})
_NEWEST_EXISTS = sa.text("SELECT to_regclass('notifydb.purge_segment') IS NOT NULL")
_FINGERPRINT = """
    SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()) AS system_identifier,
           (SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
               AS database_oid
"""
#: Row security would hide the row, and whatever is no plain table could say anything.
_READ_MARK = f"""
    SELECT m.name, m.tableoid IS NULL AS absent,
           (m.system_identifier, m.database_oid) = (f.system_identifier, f.database_oid) AS ours,
           c.relkind = 'r' AND NOT pg_catalog.row_security_active(c.oid) AS plain
    FROM pg_catalog.pg_class c LEFT JOIN notifydb.environment m ON true, ({_FINGERPRINT}) f
    WHERE c.oid = 'notifydb.environment'::pg_catalog.regclass
"""  # noqa: S608
#: What `ALTER DATABASE ... SET` says; a session's own SET cannot speak louder, as it would in current_setting.
_READ_SETTING = """
    SELECT pg_catalog.current_database() AS database, pg_catalog.pg_is_in_recovery() AS standby,
           ARRAY(
               SELECT pg_catalog.substr(each, pg_catalog.strpos(each, '=') + 1)
               FROM pg_catalog.pg_db_role_setting s CROSS JOIN LATERAL pg_catalog.unnest(s.setconfig) each
               WHERE pg_catalog.starts_with(pg_catalog.lower(each), 'notifydb.environment=')
                 AND (s.setdatabase = (SELECT oid FROM pg_catalog.pg_database
                                       WHERE datname = pg_catalog.current_database())
                      OR s.setdatabase = 0 AND s.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles
                                                                 WHERE rolname = current_user)))
           ) AS settings
"""
_STATE = sa.text("SELECT current_database(), pg_is_in_recovery()")
_NAME = sa.text("SELECT current_database()")
_READ_BOTH = sa.text(
    f"""
    SELECT s.*, m.* FROM ({_READ_SETTING}) s LEFT JOIN ({_READ_MARK}) m ON true
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
    if conn.scalar(_NEWEST_EXISTS) and ledger.columns(conn) >= _NEWEST_COLUMNS:
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
            rows = conn.execute(sa.text(_READ_MARK)).all()
    except sqlalchemy.exc.DBAPIError as error:
        _require_an_answer(error)
        return Mark("unreadable")
    return _mark_of(rows)


def read_setting(conn: sa.Connection) -> Mark:
    """What `ALTER DATABASE ... SET notifydb.environment` says, the strictest where it was said more than once."""
    try:
        with conn.begin_nested():
            row = conn.execute(sa.text(_READ_SETTING)).one()
    except sqlalchemy.exc.DBAPIError as error:
        _require_an_answer(error)
        return Mark("unreadable")
    return _setting_of(row.settings)


def check_still(conn: sa.Connection, permit: Permit) -> None:
    """Whether the permit holds on the database as this transaction sees it: one query.

    Raises Refused when the database's own word is now stricter than the permit, gone, another database's or
    unreadable; the transaction is of no use then. An embedded database may be without a mark.
    """
    try:
        unmarked = permit.embedded and not conn.scalar(_MARK_EXISTS)
        rows = conn.execute(sa.text(_READ_SETTING) if unmarked else _READ_BOTH).all()
    except sqlalchemy.exc.DBAPIError as error:
        _require_an_answer(error)
        raise _turned(permit, (f"its mark cannot be read: {failures.first_line(error)}",)) from error
    mark, row = Mark("missing") if unmarked else _mark_of(rows), rows[0]
    embedded = permit.embedded and _is_by_socket(conn)
    now = Target(row.database, mark, _setting_of(row.settings), embedded, row.standby)
    reasons = second_thoughts(permit, now)
    if reasons:
        raise _turned(permit, reasons)


def _turned(permit: Permit, reasons: tuple[str, ...]) -> errors.Refused:
    return errors.Refused(
        f"{permit.operation} is refused: the database is no longer what it was permitted on", reasons=reasons
    )


def _require_an_answer(error: sqlalchemy.exc.DBAPIError) -> None:
    """Raises the error where the server did not answer at all: that says nothing about the mark."""
    if failures.is_contention(error) or failures.is_connection_lost(error):
        raise error


def _mark_of(rows: Sequence[sa.Row[Any]]) -> Mark:
    """`rows` are those of the mark, of which there is one, with NULLs where it is not there."""
    if len(rows) != 1 or not rows[0].plain:
        return Mark("unreadable")
    row = rows[0]
    if row.absent:
        return Mark("missing")
    environment = Environment.parse(row.name)
    if environment is Environment.UNKNOWN:
        return Mark("unreadable")
    return Mark("present" if row.ours else "foreign", environment)


def _setting_of(values: Sequence[str]) -> Mark:
    if not values:
        return Mark("missing")
    said = strictest(tuple(Voice("", Environment.parse(value)) for value in values))
    named = all(Environment.parse(value) is not Environment.UNKNOWN for value in values)
    return Mark("present", said) if named else Mark("unreadable")


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


def write_setting(conn: sa.Connection, environment: Environment) -> str | None:
    """Says it outside of the data too; returns why the role may not, and the transaction stays usable."""
    name = quoted(str(conn.scalar(_NAME)))
    try:
        with conn.begin_nested():
            conn.execute(sa.text(f"ALTER DATABASE {name} SET notifydb.environment = '{environment.value}'"))
    except sqlalchemy.exc.ProgrammingError as error:
        if failures.sqlstate(error) != failures.INSUFFICIENT_PRIVILEGE:
            raise
        return failures.first_line(error)
    return None


def target_of(conn: sa.Connection, *, embedded: bool) -> Target:
    """What the guard has to know of the connected database.

    An embedded one is reached by its socket; where libpq was led elsewhere, by PGHOSTADDR for one, it is none.
    """
    name, standby = conn.execute(_STATE).one()
    return Target(name, read_mark(conn), read_setting(conn), embedded and _is_by_socket(conn), standby)


def _is_by_socket(conn: sa.Connection) -> bool:
    info = driver_of(conn).info
    return info.host.startswith("/") and not info.hostaddr
