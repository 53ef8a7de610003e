"""Relations without a foreign key, told by their names and types: only suspicions, never followed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from notifydb.postgres.relations import Catalog, Column, Table, TableName
from notifydb.purge.names import ColumnRef, RelationRef

_COPIES: Final = ("_history", "_archive")
#: Shared primary keys would make every table's `id` suspicious.
_TOO_COMMON: Final = frozenset({"id"})


def suspects(catalog: Catalog) -> Iterator[RelationRef]:
    """Columns outside of all foreign keys that look as if they referred to a key of the same type."""
    keyed = {(key.child, column) for key in catalog.foreign_keys for column in key.child_columns}
    taught = _taught(catalog)
    for table in catalog.tables.values():
        for column in table.columns:
            if (table.name, column.name) not in keyed:
                yield from _suspects_of(catalog, table, column, taught)


def _suspects_of(
    catalog: Catalog, table: Table, column: Column, taught: dict[str, set[tuple[TableName, str]]]
) -> Iterator[RelationRef]:
    parents = taught.get(column.name) or set(_named_after(catalog, table, column.name))
    for parent, name in sorted(parents | set(_copied_from(catalog, table, column.name))):
        found = ColumnRef(catalog.tables[parent], name)
        if parent != table.name and found.type == column.type:
            yield RelationRef(ColumnRef(table, column.name), found, None)


def _taught(catalog: Catalog) -> dict[str, set[tuple[TableName, str]]]:
    """What a column's name means in the foreign keys there are."""
    taught: dict[str, set[tuple[TableName, str]]] = defaultdict(set)
    for key in catalog.foreign_keys:
        if len(key.child_columns) == 1 and key.child_columns[0] not in _TOO_COMMON:
            taught[key.child_columns[0]].add((key.parent, key.parent_columns[0]))
    return taught


def _named_after(catalog: Catalog, table: Table, column: str) -> Iterator[tuple[TableName, str]]:
    """`foo_id` may be the key of `foo`, `foos` or, for `foy_id`, `foies`, in the same schema."""
    if not column.endswith("_id"):
        return
    base = column.removesuffix("_id")
    for name in (base, f"{base}s", f"{base}es", f"{base.removesuffix('y')}ies"):
        parent = catalog.tables.get(TableName(table.name.schema, name))
        if parent is not None and len(parent.primary_key) == 1:
            yield parent.name, parent.primary_key[0]


def _copied_from(catalog: Catalog, table: Table, column: str) -> Iterator[tuple[TableName, str]]:
    """The key of `x_history` may be that of `x`."""
    for suffix in _COPIES:
        origin = catalog.tables.get(TableName(table.name.schema, table.name.name.removesuffix(suffix)))
        if origin is not None and origin is not table and origin.primary_key == (column,):
            yield origin.name, column
