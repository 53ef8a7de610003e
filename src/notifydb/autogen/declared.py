"""What the models declare, as Postgres sees it: they are created where the history's tables were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.connect import autocommit_engine, make_engine
from notifydb.postgres.dialect import DIALECT, quote
from notifydb.postgres.objects import Objects, read_objects

_RELATIONS = sa.text(
    """
    SELECT n.nspname AS schema, c.relname AS name, CAST(c.relkind AS text) AS kind,
           format('%I.%I', n.nspname, c.relname) AS sql
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT c.relispartition
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = CAST('pg_class' AS regclass) AND d.objid = c.oid AND d.deptype = 'e')
    """
)
_ROUTINES = sa.text(
    """
    SELECT CAST(CAST(p.oid AS regprocedure) AS text) AS name
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p', 'w')
      AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'notifydb')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    """
)
_SCHEMA = sa.text("SELECT current_schema()")


_TABLES = {"r": "TABLE", "p": "TABLE", "f": "FOREIGN TABLE"}
_VIEWS = {"v": "VIEW", "m": "MATERIALIZED VIEW"}


class ModelsNotCreated(errors.ConfigurationError):
    """The models cannot be created in a database of their own."""


def declared_catalog(url: str, metadata: sa.MetaData) -> Objects:
    """What `metadata.create_all()` and the listeners on it make, in place of what the history's tables were.

    `url` is a database in the state of the history, which is spent by this: extensions, functions and types
    that only migrations make are there for the models to use.

    Raises ModelsNotCreated with the reason.
    """
    # In autocommit: models may ask for CREATE INDEX CONCURRENTLY.
    engine = autocommit_engine(url, application_name="notifydb models")
    with engine.connect() as conn:
        default = conn.scalar(_SCHEMA) or "public"
        views = {(row.schema, row.name) for row in conn.execute(_RELATIONS) if row.kind in ("v", "m")}
        tables = [
            table for table in metadata.tables.values() if (table.schema or default, table.name) not in views
        ]
        try:
            _create(conn, metadata, tables)
        except ModelsNotCreated as error:
            if failures.sqlstate(error.__cause__ or error) not in _ALREADY_THERE:
                raise
            # A listener that says CREATE, not CREATE OR REPLACE, means an empty database.
            _drop_views_and_routines(conn)
            _create(conn, metadata, tables)
    with make_engine(url, application_name="notifydb models").connect() as conn:
        return read_objects(conn)


# duplicate_function, duplicate_table
_ALREADY_THERE = ("42723", "42P07")


def _create(conn: sa.Connection, metadata: sa.MetaData, tables: list[sa.Table]) -> None:
    try:
        with _each_index_once(metadata):
            _drop_tables(conn)
            _make_enums(conn, metadata)
            metadata.create_all(conn, tables=tables)
    except Exception as error:
        # Whatever a listener of the project raises is the project's to mend.
        raise ModelsNotCreated(
            f"the models cannot be created beside what the history makes: {_said(error)}",
            hint="metadata.create_all() has to work on a database with the history's extensions and functions",
        ) from error


@contextmanager
def _each_index_once(metadata: sa.MetaData) -> Iterator[None]:
    """Models that declare an index twice (`index=True` and an Index of that name) work until they are created."""
    twins = []
    for table in metadata.tables.values():
        names = set()
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name is not None and index.name in names:
                twins.append((table, index))
            names.add(index.name)
    for table, index in twins:
        table.indexes.discard(index)
    try:
        yield
    finally:
        for table, index in twins:
            table.indexes.add(index)


def _said(error: Exception) -> str:
    is_database = isinstance(error, sa.exc.DBAPIError)
    return failures.first_line(error) if is_database else f"{type(error).__name__}: {error}"


def _drop_tables(conn: sa.Connection) -> None:
    """Drops the tables, and with them the views on them."""
    for row in conn.execute(_RELATIONS).all():
        if row.kind in _TABLES:
            conn.exec_driver_sql(f"DROP {_TABLES[row.kind]} IF EXISTS {row.sql} CASCADE")


def _drop_views_and_routines(conn: sa.Connection) -> None:
    for row in conn.execute(_RELATIONS).all():
        if row.kind in _VIEWS:
            conn.exec_driver_sql(f"DROP {_VIEWS[row.kind]} IF EXISTS {row.sql} CASCADE")
    for (name,) in conn.execute(_ROUTINES).all():
        conn.exec_driver_sql(f"DROP ROUTINE IF EXISTS {name} CASCADE")


def _make_enums(conn: sa.Connection, metadata: sa.MetaData) -> None:
    """Makes the types with the models' labels, those too that `create_all()` would take as given."""
    for enum in native_enums(metadata):
        if enum.enums:
            place = f"{quote(enum.schema)}." if enum.schema else ""
            conn.exec_driver_sql(f"DROP TYPE IF EXISTS {place}{quote(str(enum.name))} CASCADE")
            postgresql.ENUM(*enum.enums, name=enum.name, schema=enum.schema).create(conn, checkfirst=False)


def native_enums(metadata: sa.MetaData) -> tuple[sa.Enum, ...]:
    """The enum types of the models' columns, and of their arrays, each once."""
    found: dict[tuple[str | None, str], sa.Enum] = {}
    for enum in _enums(metadata):
        if enum.native_enum and enum.name:
            known = found.get((enum.schema, str(enum.name)))
            if known is None or not known.enums:
                found[enum.schema, str(enum.name)] = enum
    return tuple(found.values())


def _enums(metadata: sa.MetaData) -> Iterator[sa.Enum]:
    for table in metadata.tables.values():
        for column in table.columns:
            type_ = _plain(column.type)
            element = _plain(type_.item_type) if isinstance(type_, sa.ARRAY) else type_
            if isinstance(element, sa.Enum):
                yield element


def _plain(type_: Any) -> Any:
    """The type that Postgres gets for one that the project decorates or varies by dialect."""
    impl = type_.dialect_impl(DIALECT)
    return _plain(impl.impl) if isinstance(impl, sa.TypeDecorator) else impl
