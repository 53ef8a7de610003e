"""Puts synthetic rows into tables of a shadow database, so that scans and rewrites show.

Plain INSERT ... SELECT from `generate_series`: each value is an expression over the row's number `i`.
Rows that a CHECK refuses are filtered out by the very expression of the CHECK.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from notifydb.lint.fill_values import Column, column_value, is_filled_by_server, sometimes_null
from notifydb.lint.sizing import Held
from notifydb.sql.facts import Relation

#: How many candidates are tried for each row that is wanted where CHECKs refuse some.
_CANDIDATES: Final = 20
_ATTEMPTS: Final = 5
_COLUMNS: Final = """
    SELECT a.attname, format_type(a.atttypid, NULL), t.typcategory::text, t.typtype::text, a.atttypid::bigint,
           CASE WHEN a.atttypid IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4
                THEN a.atttypmod - 4
                -- numeric keeps precision and scale in the halves of the modifier: digits before the point
                WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod > 4
                THEN ((a.atttypmod - 4) >> 16) - ((a.atttypmod - 4) & 65535) END,
           a.attnotnull, a.attgenerated <> '' OR a.attidentity = 'a',
           pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%',
           ic.indkey IS NOT NULL
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN LATERAL (SELECT indkey FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique
                       AND a.attnum = ANY (i.indkey) LIMIT 1) ic ON true
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_KEYS: Final = """
    SELECT n.nspname, p.relname,
           ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY k(n, o)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY o),
           ARRAY(SELECT a.attname FROM unnest(c.confkey) WITH ORDINALITY k(n, o)
                 JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.n ORDER BY o)
    FROM pg_constraint c JOIN pg_class p ON p.oid = c.confrelid JOIN pg_namespace n ON n.oid = p.relnamespace
    WHERE c.contype = 'f' AND c.conrelid = %s::regclass
"""
_CHECKS: Final = """
    SELECT pg_get_expr(conbin, conrelid),
           ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
    FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass
"""

_BYTES: Final = """
    WITH RECURSIVE parts AS (
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND c.relname = %s
        UNION ALL SELECT i.inhrelid FROM parts p JOIN pg_inherits i ON i.inhparent = p.oid
    )
    SELECT sum(pg_relation_size(oid))::bigint FROM parts
"""

Key = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Filled:
    """What a table holds now; `problem` says why it has fewer rows than were wanted."""

    relation: Relation
    rows: int
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _ForeignKey:
    """`parent` is the quoted name of `relation`; the columns are in the same order."""

    relation: Relation
    parent: str
    columns: tuple[str, ...]
    referenced: tuple[str, ...]


def fill(
    conninfo: str, relations: Sequence[Relation], rows: int, more: Mapping[Key, int] | None = None
) -> tuple[Filled, ...]:
    """Brings each table, and before it those that its foreign keys need, to at least `rows` rows.

    `more` says which tables get more.

    A table that cannot be filled says why in `Filled.problem`; nothing is raised for it.
    """
    with psycopg.connect(conninfo, autocommit=True, application_name="notifydb lint") as driver:
        _quieten(driver)
        filler = _Filler(driver, rows, more or {})
        for relation in relations:
            filler.fill(_quoted(driver, relation), relation)
        return tuple(filler.done[name] for name in filler.done)


def held_by(conninfo: str, filled: Sequence[Filled]) -> Held:
    """How large the filled tables are, after they were made what an old table is: vacuumed."""
    with psycopg.connect(conninfo, autocommit=True) as driver:
        driver.execute("VACUUM ANALYZE")
        sizes = {each.relation.key: driver.execute(_BYTES, each.relation.key).fetchone() for each in filled}
    return Held(
        {each.relation.key: each.rows for each in filled},
        {key: int(row[0] or 0) for key, row in sizes.items() if row},
    )


def _quieten(driver: psycopg.Connection[Any]) -> None:
    """The application's triggers are not what is being tried; only a superuser may turn them off."""
    try:
        driver.execute("SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        return


def _quoted(driver: psycopg.Connection[Any], relation: Relation) -> str:
    return sql.Identifier(*relation.key).as_string(driver)


class _Filler:
    """Fills tables in the order of their foreign keys, each once; `done` is by the quoted name."""

    def __init__(self, driver: psycopg.Connection[Any], rows: int, more: Mapping[Key, int]) -> None:
        self.driver = driver
        self.rows = rows
        self.more = more
        self.done: dict[str, Filled] = {}
        self._underway: set[str] = set()
        self._loaded: dict[str, int] = {}

    def fill(self, table: str, relation: Relation) -> None:
        if table in self.done or table in self._underway:
            return
        self._underway.add(table)
        keys = [self._key(*row) for row in self._ask(_KEYS, table)]
        for key in keys:
            self.fill(key.parent, key.relation)
        rows = self.more.get(relation.key, self.rows)
        problem = None if self._is_hollow(table) else self._try(table, keys, rows)
        self.driver.execute(f"ANALYZE {table}")
        count = self._count(table)
        if problem is None and count < rows and not self._is_hollow(table):
            problem = f"only {count} of {rows} synthetic rows satisfy its constraints"
        self.done[table] = Filled(relation, count, problem)

    def _try(self, table: str, keys: Sequence[_ForeignKey], rows: int) -> str | None:
        try:
            loaded = count = self._loaded[table] = self._count(table)
            # That many besides the loaded ones, because only the synthetic ones are referred to.
            wanted = loaded + rows if loaded < rows else 0
            for attempt in range(_ATTEMPTS):
                if count < wanted:
                    # Later on most candidates collide, so that more are tried than are missing.
                    self._insert(table, keys, rows if attempt else wanted - count, attempt, rows)
                    count = self._count(table)
        except psycopg.Error as error:
            return str(error).splitlines()[0]
        return None

    def _insert(
        self, table: str, keys: Sequence[_ForeignKey], wanted_rows: int, attempt: int, rows: int
    ) -> None:
        """Some of the rows collide with others and are left out: the next attempt goes on after them."""
        columns = [Column(*row) for row in self._ask(_COLUMNS, table)]
        checks = sorted({(text, tuple(names)) for text, names in self._ask(_CHECKS, table) if text})
        wanted = [each for each in columns if not is_filled_by_server(each)]
        values = self._values(wanted, keys, checks)
        names = ", ".join(_identifier(self.driver, each.name) for each in wanted)
        candidates = ", ".join(
            f"{values[each.name]} AS {_identifier(self.driver, each.name)}" for each in wanted
        )
        conditions = " AND ".join(f"({text}) IS NOT FALSE" for text, _ in checks) or "true"
        series = rows * _CANDIDATES if checks else wanted_rows
        first = self._first(table, columns) + attempt * rows * _CANDIDATES
        # The names are the catalog's own, quoted; the expressions are ours or the table's.
        self.driver.execute(
            (
                f"INSERT INTO {table} ({names}) SELECT {names} FROM (SELECT {candidates} "  # noqa: S608
                f"FROM generate_series({first}, {first + series - 1}) AS g(i)) AS candidate "
                f"WHERE {conditions} LIMIT {wanted_rows} ON CONFLICT DO NOTHING"
            )
            if wanted
            else f"INSERT INTO {table} DEFAULT VALUES"
        )

    def _values(
        self,
        columns: Sequence[Column],
        keys: Sequence[_ForeignKey],
        checks: Sequence[tuple[str, tuple[str, ...]]],
    ) -> Mapping[str, str]:
        values = {}
        for column in columns:
            literals = [text for text, names in checks if column.name in names]
            values[column.name] = column_value(column, literals)
        nullable = {each.name: f"NULL::{each.type}" for each in columns if not each.not_null}
        for key in keys:
            for own, referenced in zip(key.columns, key.referenced, strict=True):
                if own in values:
                    values[own] = self._reference(key.parent, referenced) or (
                        nullable.get(own) or values.get(referenced, values[own])
                    )
        for column in columns:
            if not column.not_null and any("NULL" in text and column.name in names for text, names in checks):
                values[column.name] = sometimes_null(column, values[column.name])
        return values

    def _reference(self, parent: str, referenced: str) -> str | None:
        """A key of the parent; None while it is empty, as a table that refers to itself is.

        Synthetic rows are preferred: those that migrations loaded are what migrations change and delete.
        """
        count = self._count(parent)
        loaded = self._loaded.get(parent, 0)
        first, number = (loaded, count - loaded) if count > loaded else (0, count)
        name = _identifier(self.driver, referenced)
        keys = f"ARRAY(SELECT {name} FROM {parent} ORDER BY ctid OFFSET {first})"  # noqa: S608
        return f"({keys})[1 + (i % {number})::int]" if number else None

    def _is_hollow(self, table: str) -> bool:
        """Whether it is a partitioned table without partitions, which can hold nothing."""
        query = """
            SELECT relkind = 'p' AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)
            FROM pg_class c WHERE c.oid = %s::regclass
        """
        return bool(self._ask(query, table)[0][0])

    def _first(self, table: str, columns: Sequence[Column]) -> int:
        """Above what is there, so that numbers do not collide with rows that migrations loaded."""
        numbers = [each for each in columns if each.category == "N" and each.is_unique]
        found = [
            self._ask(f"SELECT max({_identifier(self.driver, each.name)})::bigint FROM {table}")  # noqa: S608
            for each in numbers
        ]
        return max([1, *(int(rows[0][0] or 0) + 1 for rows in found if (rows[0][0] or 0) < 10**9)])

    def _count(self, table: str) -> int:
        return int(self._ask(f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608

    def _key(self, schema: str, name: str, own: list[str], referenced: list[str]) -> _ForeignKey:
        parent = Relation(name, schema)
        return _ForeignKey(parent, _quoted(self.driver, parent), tuple(own), tuple(referenced))

    def _ask(self, query: str, *parameters: str) -> list[Any]:
        return self.driver.execute(query, parameters or None).fetchall()


def _identifier(driver: psycopg.Connection[Any], name: str) -> str:
    return sql.Identifier(name).as_string(driver)
