"""What is half done in a database, and what would keep an upgrade from working: all of it only read."""

from __future__ import annotations

import dataclasses
import importlib.resources
from typing import Any, Final

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb.postgres import failures
from notifydb.postgres.catalog import Catalog, read_catalog
from notifydb.postgres.connect import make_engine

#: Milliseconds; a server that is busier than that is left alone.
_PATIENCE: Final = 30_000
#: Postgres looks at a table's lock before it prints a definition; one that is held for longer is told instead.
_LOCK_PATIENCE: Final = 3_000
_GIVEN_UP: Final = (failures.LOCK_NOT_AVAILABLE, "57014")


@dataclasses.dataclass(frozen=True, slots=True)
class Role:
    """The connected role and its server; `owners` are others' names that own tables here, and how many.

    All names are quoted as SQL needs them.
    """

    name: str
    database: str
    major: int
    is_standby: bool
    is_read_only: bool
    may_create_schema: bool
    has_own_schema: bool
    may_record: bool
    closed_schemas: tuple[str, ...]
    owners: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class InvalidIndex:
    """An index that is there, kept up to date, and used by no query; `builder` is the pid that makes it now.

    `bare_partitions` are partitions of the table that have no part of a partitioned index.
    """

    name: str
    table: str
    definition: str
    is_unique: bool
    is_partitioned: bool
    keys: tuple[str, ...]
    predicate: str | None
    builder: int | None
    bare_partitions: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Unvalidated:
    """A constraint that holds for new rows only, and the statement that checks the old ones."""

    owner: str
    name: str
    definition: str
    validate: str

    @property
    def key(self) -> tuple[str, str]:
        return (self.owner, self.name)


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """A transaction that has been open for `seconds`, and the tables that it has locked."""

    pid: int
    application: str
    role: str
    host: str
    is_idle: bool
    seconds: float
    locked: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Health:
    """A database as it was at one moment; `hidden` counts sessions that the role may not look into.

    Where the objects could not be read, `unread` says why, and there are none.
    """

    role: Role
    sessions: tuple[Session, ...]
    hidden: int
    indexes: tuple[InvalidIndex, ...] = ()
    constraints: tuple[Unvalidated, ...] = ()
    catalog: Catalog = dataclasses.field(default_factory=dict)
    unread: str | None = None


def read_health(url: str, *, idle: float, long: float) -> Health:
    """Reads all in one read-only transaction, without locking any table.

    A session counts that is idle in its transaction for `idle` seconds, or in one for `long`.
    """
    with make_engine(url, application_name="notifydb doctor").begin() as conn:
        conn.exec_driver_sql("SET TRANSACTION READ ONLY")
        conn.exec_driver_sql(f"SET LOCAL statement_timeout = {_PATIENCE}")
        conn.exec_driver_sql(f"SET LOCAL lock_timeout = {_LOCK_PATIENCE}")
        conn.execute(sa.text("SELECT set_config('search_path', '', true)"))
        (role,) = _rows(conn, "role")
        sessions = _rows(conn, "sessions", idle=idle, long=long)
        seen = [each for each in sessions if not each.pop("is_hidden")]
        found = Health(Role(**role), tuple(Session(**each) for each in seen), len(sessions) - len(seen))
        try:
            return _with_objects(found, conn)
        except sqlalchemy.exc.OperationalError as error:
            if failures.sqlstate(error) not in _GIVEN_UP:
                raise
            reason = f"the catalog could not be read, a table may be locked: {failures.first_line(error)}"
            return dataclasses.replace(found, unread=reason)


def _with_objects(found: Health, conn: sa.Connection) -> Health:
    indexes = tuple(InvalidIndex(**each) for each in _rows(conn, "indexes"))
    return dataclasses.replace(
        found, indexes=indexes, constraints=unvalidated(conn), catalog=read_catalog(conn)
    )


def unvalidated(conn: sa.Connection) -> tuple[Unvalidated, ...]:
    """The constraints that are NOT VALID."""
    conn.execute(sa.text("SELECT set_config('search_path', '', true)"))
    return tuple(Unvalidated(**each) for each in _rows(conn, "constraints"))


def _rows(conn: sa.Connection, name: str, **values: float) -> list[dict[str, Any]]:
    """The rows of `health_NAME.sql`; arrays become tuples."""
    script = importlib.resources.files("notifydb.postgres").joinpath("sql", f"health_{name}.sql")
    rows = conn.execute(sa.text(script.read_text(encoding="utf-8")), values).mappings()
    return [
        {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
        for row in rows
    ]
