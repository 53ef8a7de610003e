"""The tables of a database and the foreign keys between them, read from its catalog."""

from __future__ import annotations

import dataclasses
import enum
import functools
import importlib.resources
import re
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

import sqlalchemy as sa
from psycopg import sql

from notifydb import errors

DEFAULT_COLLATION: Final = 'pg_catalog."default"'


class OnDelete(enum.StrEnum):
    """What the server does to a row whose parent is deleted; the values are `pg_constraint.confdeltype`."""

    NO_ACTION = "a"
    RESTRICT = "r"
    CASCADE = "c"
    SET_NULL = "n"
    SET_DEFAULT = "d"

    @property
    def detaches(self) -> bool:
        """Whether the row stays and only lets go of its parent."""
        return self in (OnDelete.SET_NULL, OnDelete.SET_DEFAULT)


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table's full name; shown without `public`, and in quotes where it could be taken for another's."""

    schema: str
    name: str

    def __str__(self) -> str:
        own = spelled(self.name)
        return own if self.schema == "public" else f"{spelled(self.schema)}.{own}"

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"


def spelled(name: str) -> str:
    """A name as it is shown, and as the settings have it: in quotes where it holds more than a word."""
    if re.fullmatch(r"[\w$]+", name):
        return name
    return '"' + name.replace('"', '""') + '"'


@functools.lru_cache(maxsize=4096)
def quoted(name: str) -> str:
    """An identifier for the text of `sqlalchemy.text`, where a colon would begin a parameter."""
    return sql.Identifier(name).as_string(None).replace(":", r"\:")


def literal(text: str) -> str:
    """A string constant for the text of `sqlalchemy.text`."""
    return sql.Literal(text).as_string(None).replace(":", r"\:")


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """`type` is without length or precision; a `generated` one is never written; `collation` is quoted, None where
    the type has none. To a `padded` one, blanks at the end of a value are nothing.
    """

    name: str
    type: str
    nullable: bool
    generated: bool = False
    collation: str | None = None
    padded: bool = False

    @property
    def has_own_collation(self) -> bool:
        """Whether it is another one than the database's."""
        return self.collation not in (None, DEFAULT_COLLATION)


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table, or a partitioned table with all its partitions.

    `rows` is the planner's estimate (0 where nobody has counted), `bytes` the size with indexes. Columns that it is
    `partitioned_by` say which partition a row is in, or a partition of that; `made_of` has generated columns, each
    with one that it comes from.
    """

    name: TableName
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    rows: int
    bytes: int
    has_delete_trigger: bool
    partitioned: bool = False
    partitioned_by: tuple[str, ...] = ()
    made_of: tuple[tuple[str, str], ...] = ()

    def changed_with(self, columns: Collection[str]) -> frozenset[str]:
        """The columns, and those that are generated of one of them."""
        return frozenset({*columns, *(made for made, origin in self.made_of if origin in columns)})

    @property
    def written(self) -> tuple[str, ...]:
        """The columns that a row is made of."""
        return tuple(column.name for column in self.columns if not column.generated)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


@dataclasses.dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key; `nullable` when some column of it is, `indexed` when a parent's check has an index.

    `trigger` names what checks a new row: the server runs a table's triggers in the order of their names. With
    `match_full`, a row refers to something by all of the columns or by none. An `oddity` is what keeps the key from
    saying of each row of the child whom it refers to.
    `on_delete_sets` are the columns that ON DELETE SET NULL or SET DEFAULT changes, each with the expression of its
    default, None for NULL.
    """

    name: str
    child: TableName
    child_columns: tuple[str, ...]
    parent: TableName
    parent_columns: tuple[str, ...]
    nullable: bool
    on_delete: OnDelete
    deferrable: bool
    validated: bool
    indexed: bool
    trigger: str = ""
    match_full: bool = False
    oddity: str | None = None
    on_delete_sets: tuple[tuple[str, str | None], ...] = ()


@dataclasses.dataclass(frozen=True)
class Catalog:
    """The relations of one database, as they are in one transaction."""

    tables: Mapping[TableName, Table]
    foreign_keys: tuple[ForeignKey, ...]

    def is_only(self, name: TableName) -> bool:
        """Whether no other schema has a table of the same name."""
        return self._namesakes[name.name] == 1

    @functools.cached_property
    def _namesakes(self) -> Counter[str]:
        return Counter(each.name for each in self.tables)

    def find(self, text: str) -> Table | None:
        """The table called `table` or `schema.table`: in `public`, else the only one of that name.

        Raises ConfigurationError when the name fits tables of several schemas.
        """
        schema, dot, name = text.rpartition(".")
        exact = self.tables.get(TableName(schema if dot else "public", name))
        if exact is not None or dot:
            return exact
        found = [table for table in self.tables.values() if table.name.name == name]
        if len(found) > 1:
            places = ", ".join(sorted(str(table.name) for table in found))
            raise errors.ConfigurationError(f"{text} is ambiguous: {places}", hint="name the schema as well")
        return found[0] if found else None


def read_catalog(conn: sa.Connection) -> Catalog:
    """All tables but those of the server, of notifydb and of sessions, and all foreign keys among them."""
    tables = {table.name: table for table in map(_table, conn.execute(_query("relations_tables")))}
    keys = map(_foreign_key, conn.execute(_query("relations_foreign_keys")))
    return Catalog(tables, tuple(key for key in keys if {key.child, key.parent} <= tables.keys()))


_SCRIPTS: Final = importlib.resources.files("notifydb.postgres").joinpath("sql")


def _query(name: str) -> sa.TextClause:
    # A bare colon pair is a cast; the scripts have no parameters.
    return sa.text(_SCRIPTS.joinpath(f"{name}.sql").read_text(encoding="utf-8").replace(":", r"\:"))


def _table(row: sa.Row[tuple[object, ...]]) -> Table:
    columns = zip(
        row.columns, row.types, row.not_null, row.generated, row.collations, row.padded, strict=True
    )
    return Table(
        TableName(row.schema, row.name),
        tuple(
            Column(name, type_, not not_null, generated, collation and collation.replace(":", r"\:"), padded)
            for name, type_, not_null, generated, collation, padded in columns
        ),
        tuple(row.primary_key),
        row.rows,
        row.bytes,
        row.delete_trigger,
        row.partitioned,
        tuple(row.partitioned_by),
        tuple((made, origin) for made, origin in row.made_of),
    )


def _foreign_key(row: sa.Row[tuple[object, ...]]) -> ForeignKey:
    return ForeignKey(
        row.name,
        TableName(row.child_schema, row.child_table),
        tuple(row.child_columns),
        TableName(row.parent_schema, row.parent_table),
        tuple(row.parent_columns),
        nullable=row.nullable,
        on_delete=OnDelete(row.on_delete),
        deferrable=row.deferrable,
        validated=row.validated,
        indexed=row.indexed,
        trigger=row.trigger,
        match_full=row.match_full,
        oddity=row.oddity,
        on_delete_sets=tuple((name, default) for name, default in row.on_delete_sets),
    )
