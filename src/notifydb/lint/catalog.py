"""What is in the database before the migration: the answers that SQL text cannot give."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from notifydb.sql.facts import Relation

if TYPE_CHECKING:
    import psycopg

Key = tuple[str, str]
Grouped = TypeVar("Grouped")

_TABLES = """
    SELECT n.nspname, c.relname, c.relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm', 'v', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_INDEXES = """
    SELECT n.nspname, c.relname, tn.nspname, t.relname, i.indisvalid, i.indisunique,
           ARRAY(SELECT a.attname FROM unnest(i.indkey) WITH ORDINALITY k(n, o)
                 JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.n
                 WHERE k.o <= i.indnkeyatts ORDER BY o),
           i.indpred IS NULL AND i.indexprs IS NULL
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_CONSTRAINTS = """
    SELECT n.nspname, t.relname, c.conname, c.contype::text, c.convalidated, pg_get_constraintdef(c.oid),
           ARRAY(SELECT a.attname FROM unnest(c.conkey) WITH ORDINALITY k(n, o)
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.n ORDER BY o),
           rn.nspname, r.relname, c.confdeltype::text
    FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    LEFT JOIN pg_class r ON r.oid = c.confrelid LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_COLUMNS = """
    SELECT n.nspname, c.relname, a.attname, a.attnotnull, a.attidentity <> '' OR EXISTS (
               SELECT FROM pg_depend d JOIN pg_class q ON q.oid = d.objid AND q.relkind = 'S'
               WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
                 AND d.deptype = 'a' AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_VIEWS = """
    SELECT DISTINCT tn.nspname, t.relname, a.attname, vn.nspname, v.relname
    FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
    JOIN pg_namespace vn ON vn.oid = v.relnamespace
    JOIN pg_class t ON t.oid = d.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid AND a.attnum > 0
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.oid <> t.oid
      AND tn.nspname <> 'information_schema' AND tn.nspname !~ '^pg_'
"""
_SIGNATURES = """
    SELECT n.nspname, p.proname, ARRAY(SELECT t.typname FROM unnest(p.proargtypes) WITH ORDINALITY k(n, o)
                                       JOIN pg_type t ON t.oid = k.n ORDER BY o)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""
_POLICIES = """
    SELECT n.nspname, c.relname, c.relrowsecurity,
           ARRAY(SELECT polname FROM pg_policy WHERE polrelid = c.oid AND polpermissive)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relrowsecurity OR EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid)
"""
_VOLATILE = "SELECT proname FROM pg_proc GROUP BY proname HAVING bool_or(provolatile = 'v')"
_FUNCTIONS = "SELECT DISTINCT proname FROM pg_proc"
_DOMAINS = """
    SELECT DISTINCT t.typname FROM pg_type t
    WHERE t.typtype = 'd' AND (t.typnotnull OR EXISTS (SELECT FROM pg_constraint c WHERE c.contypid = t.oid))
"""
_DOMAIN_TABLES = """
    SELECT DISTINCT tn.nspname, t.typname, n.nspname, c.relname
    FROM pg_type t JOIN pg_namespace tn ON tn.oid = t.typnamespace
    JOIN pg_attribute a ON a.atttypid = t.oid AND NOT a.attisdropped
    JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'm')
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE t.typtype = 'd' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
"""


#: Of `pg_constraint.confdeltype` those that change rows: CASCADE, SET NULL and SET DEFAULT.
_CASCADE = "c"
_ON_DELETE = "cnd"
_ANY = "acdnr"


@dataclasses.dataclass(frozen=True, slots=True)
class IndexEntry:
    """An index, its table, and whether it can be used; `whole` without a WHERE and without expressions."""

    table: Relation
    valid: bool
    unique: bool = False
    columns: tuple[str, ...] = ()
    whole: bool = True


@dataclasses.dataclass(frozen=True, slots=True)
class ConstraintEntry:
    """`kind` as in `pg_constraint.contype`; `definition` as `pg_get_constraintdef` writes it.

    A foreign key `references` a table; `on_delete` is as in `pg_constraint.confdeltype`.
    """

    kind: str
    validated: bool
    definition: str
    columns: tuple[str, ...] = ()
    references: Relation | None = None
    on_delete: str = " "


@dataclasses.dataclass(frozen=True, slots=True)
class ColumnEntry:
    """A column; `numbered` where a sequence of its own gives its values (serial, identity)."""

    not_null: bool
    numbered: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ViewEntry:
    """A view or materialized view that reads a relation, and which column of it (None: the relation)."""

    view: Relation
    column: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class RowSecurity:
    """Whether policies are applied to a table, and the names of those that allow something."""

    enabled: bool
    policies: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Catalog:
    """Keyed by (schema, name); `relations` gives the kind as in `pg_class.relkind`.

    `volatile` and `functions` are function names without schema; `checked_domains` are the domains whose
    values Postgres has to check row by row, `domain_tables` the tables with a column of a domain. `version` is
    the server's major version. `columns` are those of tables; `views` are by what they read. `signatures` are
    the argument types of the functions that are not Postgres's own, as in `pg_type.typname`.
    """

    relations: Mapping[Key, str]
    indexes: Mapping[Key, IndexEntry]
    constraints: Mapping[tuple[Key, str], ConstraintEntry]
    volatile: frozenset[str]
    functions: frozenset[str]
    checked_domains: frozenset[str]
    version: int
    columns: Mapping[Key, Mapping[str, ColumnEntry]] = dataclasses.field(default_factory=dict)
    views: Mapping[Key, tuple[ViewEntry, ...]] = dataclasses.field(default_factory=dict)
    signatures: Mapping[Key, tuple[tuple[str, ...], ...]] = dataclasses.field(default_factory=dict)
    row_security: Mapping[Key, RowSecurity] = dataclasses.field(default_factory=dict)
    domain_tables: Mapping[Key, tuple[Relation, ...]] = dataclasses.field(default_factory=dict)

    def __contains__(self, relation: Relation) -> bool:
        return relation.key in self.relations

    def is_partitioned(self, relation: Relation) -> bool:
        return self.relations.get(relation.key) == "p"

    def column(self, relation: Relation, column: str) -> ColumnEntry | None:
        return self.columns.get(relation.key, {}).get(column)

    def references_to(self, relation: Relation) -> Iterator[tuple[Relation, str, ConstraintEntry]]:
        """The foreign keys of other tables that refer to this one: the table, the key's name and the key."""
        for (key, name), entry in self.constraints.items():
            if entry.references and entry.references.key == relation.key != key:
                yield Relation(key[1], key[0]), name, entry

    def reached_by_delete(self, relation: Relation) -> tuple[Relation, ...]:
        """The tables that ON DELETE actions change when rows of this one go, directly or through others."""
        return self._reached(relation, _ON_DELETE, onwards=_CASCADE)

    def reached_by_truncate(self, relation: Relation) -> tuple[Relation, ...]:
        """The tables that TRUNCATE ... CASCADE empties besides: it follows every foreign key."""
        return self._reached(relation, _ANY, onwards=_ANY)

    def _reached(self, relation: Relation, actions: str, *, onwards: str) -> tuple[Relation, ...]:
        """Over foreign keys with one of these `on_delete`, and further over those that carry it `onwards`."""
        found: dict[Key, Relation] = {}
        waiting = [relation]
        while waiting:
            for table, _, key in self.references_to(waiting.pop()):
                if key.on_delete in actions and table.key not in found and table.key != relation.key:
                    found[table.key] = table
                    waiting += [table] if key.on_delete in onwards else []
        return tuple(found.values())

    def readers(self, relation: Relation, column: str | None = None) -> tuple[Relation, ...]:
        """The views that read the relation, or one column of it, directly or through other views."""
        found: dict[Key, Relation] = {}
        for entry in self.views.get(relation.key, ()):
            if column is None or entry.column == column:
                found[entry.view.key] = entry.view
                found.update((each.key, each) for each in self.readers(entry.view))
        return tuple(sorted(found.values(), key=str))


def read_catalog(driver: psycopg.Connection[Any]) -> Catalog:
    """Reads the catalog in the connection's current state."""
    rows = {query: driver.execute(query).fetchall() for query in _QUERIES}
    return Catalog(
        relations={(schema, name): kind for schema, name, kind in rows[_TABLES]},
        indexes={
            (schema, name): IndexEntry(Relation(table, table_schema), valid, unique, tuple(columns), whole)
            for schema, name, table_schema, table, valid, unique, columns, whole in rows[_INDEXES]
        },
        constraints={((row[0], row[1]), row[2]): _constraint(*row[3:]) for row in rows[_CONSTRAINTS]},
        volatile=frozenset(name for (name,) in rows[_VOLATILE]),
        functions=frozenset(name for (name,) in rows[_FUNCTIONS]),
        checked_domains=frozenset(name for (name,) in rows[_DOMAINS]),
        version=driver.info.server_version // 10_000,
        columns=_columns(rows[_COLUMNS]),
        views=_grouped(
            ((schema, name), ViewEntry(Relation(view, view_schema), column))
            for schema, name, column, view_schema, view in rows[_VIEWS]
        ),
        signatures=_grouped(((schema, name), tuple(types)) for schema, name, types in rows[_SIGNATURES]),
        row_security={
            (schema, name): RowSecurity(enabled, frozenset(policies))
            for schema, name, enabled, policies in rows[_POLICIES]
        },
        domain_tables=_grouped(
            ((schema, domain), Relation(table, table_schema))
            for schema, domain, table_schema, table in rows[_DOMAIN_TABLES]
        ),
    )


_QUERIES = (
    _TABLES, _INDEXES, _CONSTRAINTS, _COLUMNS, _VIEWS, _SIGNATURES, _POLICIES,
    _VOLATILE, _FUNCTIONS, _DOMAINS, _DOMAIN_TABLES,
)  # fmt: skip


def _constraint(
    kind: str,
    validated: bool,
    definition: str,
    columns: list[str],
    schema: str | None,
    table: str | None,
    on_delete: str,
) -> ConstraintEntry:
    references = Relation(table, schema) if table else None
    return ConstraintEntry(kind, validated, definition, tuple(columns), references, on_delete)


def _columns(rows: Iterable[Any]) -> dict[Key, dict[str, ColumnEntry]]:
    found: dict[Key, dict[str, ColumnEntry]] = {}
    for schema, table, name, not_null, numbered in rows:
        found.setdefault((schema, table), {})[name] = ColumnEntry(not_null, numbered)
    return found


def _grouped(pairs: Iterable[tuple[Key, Grouped]]) -> dict[Key, tuple[Grouped, ...]]:
    found: dict[Key, tuple[Grouped, ...]] = {}
    for key, value in pairs:
        found[key] = (*found.get(key, ()), value)
    return found
