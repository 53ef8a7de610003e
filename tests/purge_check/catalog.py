"""The tables of a database and what refers to what, as the server's catalog and a profile tell it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]
#: Neither the server's own, nor what the command keeps for itself.
OWN_SCHEMAS: Final = r"n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'notifydb')"
_LINK: Final = re.compile(r"([\w.]+)\.(\w+)(?:->>'(\w+)')? -> ([\w.]+)\.(\w+)")

_TABLES: Final = f"""
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND {OWN_SCHEMAS} ORDER BY 1
"""
_COLUMNS: Final = """
    SELECT a.attname, format_type(b.oid, NULL), format_type(a.atttypid, a.atttypmod), a.attnotnull,
           d.oid IS NOT NULL OR a.attidentity <> '', a.attgenerated <> '' OR a.attidentity = 'a',
           ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = b.oid ORDER BY enumsortorder)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CONSTRAINTS: Final = """
    SELECT k.conname, k.contype::text, pg_get_constraintdef(k.oid), k.conrelid::regclass::text,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
                 JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.i),
           CASE WHEN k.confrelid > 0 THEN k.confrelid::regclass::text END,
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY u.i)
    FROM pg_constraint k WHERE k.conrelid <> 0 AND k.conparentid = 0 ORDER BY k.conname
"""


def connect(url: str) -> Connection:
    """A connection that commits each statement and shows every value as the same text."""
    return psycopg.connect(
        url.replace("+psycopg:", ":"), autocommit=True, options="-c timezone=UTC -c datestyle=ISO"
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """`type` is without length, `full_type` with it; `labels` are an enum's."""

    name: str
    type: str
    full_type: str
    is_required: bool
    has_default: bool
    is_generated: bool
    labels: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Link:
    """Rows of `child` refer to rows of `parent`, by a foreign key or by custom."""

    child: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    json_key: str = ""

    def __str__(self) -> str:
        ours, theirs = ", ".join(self.columns), ", ".join(self.parent_columns)
        return f"{self.child}.{ours}{self.json_key and '->>'}{self.json_key} -> {self.parent}.{theirs}"

    @property
    def equal(self) -> str:
        """A condition: the row `t` of the child refers to the row `p` of the parent."""
        pairs = zip(self.columns, self.parent_columns, strict=True)
        return " AND ".join(f'{self._value(ours)} = p."{theirs}"::text' for ours, theirs in pairs)

    @property
    def is_set(self) -> str:
        """A condition: the row `t` of the child refers to something."""
        return " AND ".join(f"{self._value(column)} IS NOT NULL" for column in self.columns)

    def _value(self, column: str) -> str:
        return f"""t."{column}" ->> '{self.json_key}'""" if self.json_key else f't."{column}"::text'


def link(text: str) -> Link:
    """`child.column -> parent.column`, or `child.column->>'key' -> parent.column`."""
    found = _LINK.fullmatch(text)
    assert found, f"{text!r} is no link"
    child, column, key, parent, parent_column = found.groups(default="")
    return Link(child, (column,), parent, (parent_column,), key)


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """`checks` are the definitions of CHECK constraints by name, with the columns that each is about."""

    name: str
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[Link, ...]
    checks: Mapping[str, tuple[str, tuple[str, ...]]]


def read_tables(conn: Connection) -> dict[str, Table]:
    """All tables of the application, by name."""
    constraints = conn.execute(_CONSTRAINTS).fetchall()
    names = [name for (name,) in conn.execute(_TABLES)]
    return {name: _table(conn, name, [k for k in constraints if k[3] == name]) for name in names}


def _column(
    name: str, type_: str, full_type: str, required: bool, default: bool, generated: bool, labels: list[str]
) -> Column:
    return Column(name, type_, full_type, required, default, generated, tuple(labels))


def _table(conn: Connection, name: str, constraints: Iterable[tuple[Any, ...]]) -> Table:
    columns = [_column(*row) for row in conn.execute(_COLUMNS, [name])]
    primary: tuple[str, ...] = ()
    keys: list[Link] = []
    checks: dict[str, tuple[str, tuple[str, ...]]] = {}
    for constraint, kind, definition, child, ours, parent, theirs in constraints:
        if kind == "p":
            primary = tuple(ours)
        elif kind == "f":
            keys.append(Link(child, tuple(ours), parent, tuple(theirs)))
        elif kind == "c":
            checks[constraint] = (definition, tuple(ours))
    return Table(name, {column.name: column for column in columns}, primary, tuple(keys), checks)
