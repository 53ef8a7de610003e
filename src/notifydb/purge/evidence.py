"""What rows and the catalog say of relations that no foreign key vouches for; costs a bounded sample each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

import sqlalchemy as sa

from notifydb.postgres.relations import Catalog, Column, Table, TableName, literal, quoted
from notifydb.purge.names import ColumnRef
from notifydb.purge.relation import Proof, Relation

#: A sample reads about as much of a table, spread over all of it.
_SAMPLED_BYTES: Final = 2 * 1024 * 1024
_VALUES: Final = 200
_UUID: Final = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_INTEGER: Final = "^(0|-?[1-9][0-9]{0,17})$"
#: How the server writes a value of the type, which is how texts are compared; read back, an index can be asked.
_READABLE: Final = {
    "uuid": (_UUID, "uuid"),
    "smallint": (_INTEGER, "bigint"),
    "integer": (_INTEGER, "bigint"),
    "bigint": (_INTEGER, "bigint"),
}


_INHERITED: Final = sa.text(
    """
    SELECT parent_schema.nspname, parent.relname,
           CASE WHEN parent.relkind = 'p' THEN 'is a partition on another server' ELSE 'inherits from it' END,
           heir_schema.nspname, heir.relname
    FROM pg_inherits i
    JOIN pg_class heir ON heir.oid = i.inhrelid
    JOIN pg_namespace heir_schema ON heir_schema.oid = heir.relnamespace
    JOIN pg_class parent ON parent.oid = coalesce(pg_partition_root(i.inhparent)::oid, i.inhparent)
    JOIN pg_namespace parent_schema ON parent_schema.oid = parent.relnamespace
    WHERE parent.relkind = 'r' OR parent.relkind = 'p' AND heir.relkind = 'f'
    ORDER BY 1, 2, 4, 5
    """
)
_RULES: Final = sa.text(
    """
    SELECT n.nspname, c.relname, r.rulename
    FROM pg_rewrite r
    JOIN pg_class own ON own.oid = r.ev_class AND own.relkind IN ('r', 'p')
    JOIN pg_class c ON c.oid = coalesce(pg_partition_root(own.oid)::oid, own.oid)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_'
    ORDER BY 1, 2, 3
    """
)


class Evidence:
    """Looks into suspicions, each once: what is `known` from a plan stays the same for its execution."""

    def __init__(
        self, conn: sa.Connection, catalog: Catalog, known: Mapping[str, Proof] | None = None
    ) -> None:
        self._conn = conn
        self._catalog = catalog
        self._proofs: dict[str, Proof] = {**(known or {})}

    @property
    def proofs(self) -> Mapping[str, Proof]:
        """What was found so far, by relation."""
        return self._proofs

    def of(self, relation: Relation) -> Proof:
        """How many of the child's sampled values the parent has."""
        if str(relation) not in self._proofs:
            self._proofs[str(relation)] = self._prove(relation)
        return self._proofs[str(relation)]

    def has_key(self, relation: Relation, key: str) -> bool:
        """Whether some row of the parent is the one that `key`, as text, means."""
        column = quoted(relation.parent_columns[0])
        found = self._conn.scalar(
            sa.text(f"SELECT EXISTS (SELECT FROM {relation.parent.sql} t WHERE t.{column}::text = :key)"),  # noqa: S608
            {"key": key},
        )
        return bool(found)

    @cached_property
    def foreign_tables(self) -> tuple[Table, ...]:
        """Tables that another server holds."""
        found = self._conn.execute(
            sa.text(
                "SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum),"
                " array_agg(format_type(a.atttypid, NULL) ORDER BY a.attnum)"
                " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
                r" WHERE c.relkind = 'f' AND NOT c.relispartition AND n.nspname !~ '^pg_'"
                " AND n.nspname NOT IN ('information_schema', 'notifydb')"
                " GROUP BY 1, 2 ORDER BY 1, 2"
            )
        )
        return tuple(
            Table(
                TableName(schema, name),
                tuple(Column(*pair, nullable=True) for pair in zip(columns, types, strict=True)),
                (), 0, 0, has_delete_trigger=False,
            )
            for schema, name, columns, types in found
        )  # fmt: skip

    def is_repeated(self, key: ColumnRef) -> bool:
        """Whether several rows of the table have the same value there; nobody refers to NULL."""
        found = self._conn.scalar(
            sa.text(
                f"SELECT EXISTS (SELECT FROM {key.table.name.sql} t"  # noqa: S608
                f" WHERE t.{quoted(key.name)} IS NOT NULL GROUP BY t.{quoted(key.name)} HAVING count(*) > 1)"
            )
        )
        return bool(found)

    def peculiarities(self, tables: Collection[TableName]) -> Iterator[str]:
        """Why the rows of some of these tables are not all their own."""
        for name, why, heir_schema, heir in self._among(tables, _INHERITED):
            yield f"{name}: {TableName(heir_schema, heir)} {why}, which is not supported"
        # A rule puts other statements in the place of those that were planned.
        for name, rule in self._among(tables, _RULES):
            yield f"{name}: it has a rule, {rule}, which is not supported"

    def _among(self, tables: Collection[TableName], query: sa.TextClause) -> Iterator[tuple[Any, ...]]:
        """The query's rows that are about one of the tables, which its first two columns name."""
        for schema, name, *rest in self._conn.execute(query):
            if (table := TableName(schema, name)) in tables:
                yield table, *rest

    def _prove(self, relation: Relation) -> Proof:
        if self._is_numbered(relation):
            return Proof(0, 0, is_numbered=True)
        values = [f"{relation.value(column)} AS v{n}" for n, column in enumerate(relation.columns)]
        names = ", ".join(f"v{n}" for n in range(len(values)))
        present = " AND ".join(f"t.{quoted(column)} IS NOT NULL" for column in relation.columns)
        # Ordered by a hash: neither the oldest nor the newest only, and the same ones when asked again.
        sampled = (
            f"SELECT {names} FROM (SELECT {', '.join(values)} FROM {relation.child.sql} t"  # noqa: S608
            f"{sample_of(self._conn, relation.child)} WHERE {present}) s GROUP BY {names}"
            f" ORDER BY md5(concat_ws(',', {names})) COLLATE \"C\" LIMIT {_VALUES}"
        )
        equal = " AND ".join(self._equal(relation, n) for n in range(len(values)))
        # One look per value: a join could read all of the parent.
        found = self._conn.execute(
            sa.text(
                f"SELECT count(*), count(p.found) FROM ({sampled}) s"  # noqa: S608
                f" LEFT JOIN LATERAL (SELECT true AS found FROM {relation.parent.sql} t WHERE {equal} LIMIT 1) p"
                " ON true"
            )
        ).one()
        return Proof(*found)

    def _equal(self, relation: Relation, number: int) -> str:
        theirs = relation.parent_columns[number]
        if not relation.as_text:
            return f"t.{quoted(theirs)} = s.v{number}"
        type_ = ColumnRef(self._catalog.tables[relation.parent], theirs).type
        if type_ not in _READABLE:
            return f"t.{quoted(theirs)}::text = s.v{number}"
        pattern, cast = _READABLE[type_]
        return (
            f"t.{quoted(theirs)} = CASE WHEN s.v{number} ~ {literal(pattern)}"
            f" THEN CAST(s.v{number} AS {cast}) END"
        )

    def _is_numbered(self, relation: Relation) -> bool:
        """Whether the database itself counts up the child's column."""
        return any(
            self._conn.scalar(
                sa.text(
                    "SELECT has_sequence_privilege(s.name, 'SELECT')"
                    " AND pg_sequence_last_value(CAST(s.name AS regclass)) IS NOT NULL"
                    " FROM (SELECT pg_get_serial_sequence(:table, :column) AS name) s WHERE s.name IS NOT NULL"
                ),
                {"table": _literally(relation.child), "column": column},
            )
            for column in relation.columns
        )


def _literally(name: TableName) -> str:
    """The quoted name as a value: no text of a statement, so a colon stands for itself."""
    return name.sql.replace(r"\:", ":")


def sample_of(conn: sa.Connection, name: TableName) -> str:
    """The clause, after the alias, by which some of a table's rows are read: all of a small one's."""
    size = conn.scalar(
        sa.text(
            "SELECT sum(pg_relation_size(leaf)) FROM ("
            " SELECT t.relid AS leaf FROM pg_partition_tree(CAST(:table AS regclass)) t WHERE t.isleaf"
            " UNION SELECT CAST(:table AS regclass)) leaves"
        ),
        {"table": _literally(name)},
    )
    percent = 100 * _SAMPLED_BYTES / max(int(size or 0), 1)
    return "" if percent >= 100 else f" TABLESAMPLE SYSTEM ({percent:.6f}) REPEATABLE (1)"
