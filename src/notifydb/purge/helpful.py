"""What makes a purge faster and changes no row: indexes for the time of it, VACUUM between its levels.

All of it needs the table's owner. Without that, or where a lock is not to be had, the purge is slower and right.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from functools import cached_property
from typing import Final

import psycopg
import sqlalchemy as sa

from notifydb.postgres import failures
from notifydb.postgres.connect import driver_of, plain
from notifydb.postgres.relations import ForeignKey, TableName, quoted
from notifydb.purge.events import IndexBuilt, IndexDropped, Listener, Vacuumed
from notifydb.purge.session import session

#: By it a later run knows the indexes of one that was killed.
PREFIX: Final = "_purge_"
#: A concurrent build waits for transactions that are older; not for long, it is only a help.
_PATIENCE: Final = 10.0
_IMPATIENCE: Final = 0.5
_LEFT_OVER: Final = sa.text(
    """
    SELECT n.nspname, c.relname, child_schema.nspname, child.relname, ARRAY(
        SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS key (attnum, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = key.attnum ORDER BY key.place
    )
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_index i ON i.indexrelid = c.oid
    JOIN pg_class child ON child.oid = i.indrelid
    JOIN pg_namespace child_schema ON child_schema.oid = child.relnamespace
    WHERE c.relkind = 'i' AND starts_with(c.relname, :prefix) AND n.nspname !~ '^pg_'
      AND pg_has_role(c.relowner, 'USAGE')
    ORDER BY 1, 2
    """
)


class Helper:
    """Commands that cannot run in a transaction, on a session of their own, which ends with the stack."""

    def __init__(
        self,
        engine: sa.Engine,
        stack: ExitStack,
        tell: Listener,
        left_over: Collection[TableName] = (),
        *,
        deadline: float,
    ) -> None:
        """`left_over` are the indexes of a purge that was killed; a purge that is to be over in `deadline` seconds
        has less patience."""
        self._engine = engine
        self._patience = min(_PATIENCE, max(deadline, _IMPATIENCE))
        self._stack = stack
        self._tell = tell
        self._left_over = left_over
        self._built: dict[ForeignKey, str] = {}

    def build(self, keys: Sequence[ForeignKey]) -> None:
        """Builds an index for each key that has none yet."""
        for key in keys:
            if key not in self._built:
                self._build(key)

    def drop_all(self) -> None:
        """Drops what was built, here or by a purge that was killed."""
        for index in left_over(self._conn):
            problem = _try(self._conn, f"DROP INDEX CONCURRENTLY IF EXISTS {index.sql}")
            self._tell(IndexDropped(str(index), problem))

    def vacuum(self, table: TableName) -> None:
        """Clears away the dead rows, and their entries in indexes, without giving pages back: that would lock."""
        began = time.monotonic()
        problem = _try(self._conn, f"VACUUM (INDEX_CLEANUP ON, TRUNCATE OFF) {table.sql}")
        self._tell(Vacuumed(table, time.monotonic() - began, problem))

    def _build(self, key: ForeignKey) -> None:
        began = time.monotonic()
        name = name_of(key)
        left_over = TableName(key.child.schema, name)
        if left_over in self._left_over:
            _try(self._conn, f"DROP INDEX CONCURRENTLY IF EXISTS {left_over.sql}")
        columns = [quoted(column) for column in key.child_columns]
        # A row with a NULL refers to nothing: no check looks for it.
        where = " WHERE " + " AND ".join(f"{each} IS NOT NULL" for each in columns) if key.nullable else ""
        index = f"{quoted(name)} ON {key.child.sql} ({', '.join(columns)}){where}"
        problem = _try(self._conn, f"CREATE INDEX CONCURRENTLY {index}")
        self._built[key] = name
        self._tell(
            IndexBuilt(f"{key.child}({', '.join(key.child_columns)})", time.monotonic() - began, problem)
        )

    @cached_property
    def _conn(self) -> sa.Connection:
        conn = self._stack.enter_context(session(self._engine, self._patience))
        driver_of(conn).autocommit = True
        return conn


def left_over(conn: sa.Connection) -> tuple[TableName, ...]:
    """The indexes of purges that are there now, as far as the role may drop them."""
    return tuple(
        TableName(schema, name)
        for schema, name, child_schema, child, columns in conn.execute(_LEFT_OVER, {"prefix": PREFIX})
        if name == _name(TableName(child_schema, child), tuple(columns))
    )


def _try(conn: sa.Connection, statement: str) -> str | None:
    """Why the statement did not succeed, None if it did."""
    driver = driver_of(conn)
    notices: list[str] = []
    driver.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    try:
        plain(driver).execute(statement.replace(r"\:", ":").encode())
    except psycopg.Error as error:
        if failures.is_connection_lost(error):
            raise
        return failures.first_line(error)
    return notices[0] if notices else None


def name_of(key: ForeignKey) -> str:
    """One and the same for a key, whoever builds it."""
    return _name(key.child, key.child_columns)


def _name(child: TableName, columns: tuple[str, ...]) -> str:
    # Not as it is shown, which has changed before: an index of an earlier version is to be known, too.
    own = child.name if child.schema == "public" else f"{child.schema}.{child.name}"
    said = hashlib.sha256(f"{own} {columns}".encode()).hexdigest()[:8]
    # The server counts bytes, and cuts off what are too many.
    return f"{PREFIX}{child.name.encode()[:40].decode(errors='ignore')}_{said}"
