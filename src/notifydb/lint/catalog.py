"""What is in the database before the migration: the answers that SQL text cannot give."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import psycopg

from notifydb.sql.facts import Relation

Key = tuple[str, str]

_TABLES = """
    SELECT n.nspname, c.relname, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_INDEXES = """
    SELECT n.nspname, c.relname, tn.nspname, t.relname, i.indisvalid
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_CONSTRAINTS = """
    SELECT n.nspname, t.relname, c.conname, c.contype::text, c.convalidated, pg_get_constraintdef(c.oid)
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_VOLATILE = "SELECT proname FROM pg_proc GROUP BY proname HAVING bool_or(provolatile = 'v')"
_FUNCTIONS = "SELECT DISTINCT proname FROM pg_proc"
_DOMAINS = """
    SELECT DISTINCT t.typname FROM pg_type t
    WHERE t.typtype = 'd' AND (t.typnotnull OR EXISTS (SELECT FROM pg_constraint c WHERE c.contypid = t.oid))
"""


@dataclasses.dataclass(frozen=True, slots=True)
class IndexEntry:
    """An index, its table, and whether it can be used."""

    table: Relation
    valid: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ConstraintEntry:
    """`kind` as in `pg_constraint.contype`; `definition` as `pg_get_constraintdef` writes it."""

    kind: str
    validated: bool
    definition: str


@dataclasses.dataclass(frozen=True, slots=True)
class Catalog:
    """Keyed by (schema, name); `relations` gives the kind as in `pg_class.relkind`.

    `volatile` and `functions` are function names without schema; `checked_domains` are the domains whose
    values Postgres has to check row by row. `version` is the server's major version.
    """

    relations: Mapping[Key, str]
    indexes: Mapping[Key, IndexEntry]
    constraints: Mapping[tuple[Key, str], ConstraintEntry]
    volatile: frozenset[str]
    functions: frozenset[str]
    checked_domains: frozenset[str]
    version: int

    def __contains__(self, relation: Relation) -> bool:
        return relation.key in self.relations

    def is_partitioned(self, relation: Relation) -> bool:
        return self.relations.get(relation.key) == "p"


def read_catalog(driver: psycopg.Connection[Any]) -> Catalog:
    """Reads the catalog in the connection's current state."""
    rows = {
        query: driver.execute(query).fetchall()
        for query in (_TABLES, _INDEXES, _CONSTRAINTS, _VOLATILE, _FUNCTIONS, _DOMAINS)
    }
    return Catalog(
        relations={(schema, name): kind for schema, name, kind in rows[_TABLES]},
        indexes={
            (schema, name): IndexEntry(Relation(table, table_schema), valid)
            for schema, name, table_schema, table, valid in rows[_INDEXES]
        },
        constraints={
            ((schema, table), name): ConstraintEntry(kind, validated, definition)
            for schema, table, name, kind, validated, definition in rows[_CONSTRAINTS]
        },
        volatile=frozenset(name for (name,) in rows[_VOLATILE]),
        functions=frozenset(name for (name,) in rows[_FUNCTIONS]),
        checked_domains=frozenset(name for (name,) in rows[_DOMAINS]),
        version=driver.info.server_version // 10_000,
    )
