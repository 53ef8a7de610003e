"""Relations without a foreign key, told by their names and types: only suspicions, never followed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from notifydb.postgres.relations import Catalog, ForeignKey, Table, TableName
from notifydb.purge.names import ColumnRef, RelationRef, comparable

_COPIES: Final = ("_history", "_archive", "_audit", "_log", "_old")
#: Shared primary keys would make every table's `id` suspicious.
_TOO_COMMON: Final = frozenset({"id"})

Taught = dict[tuple[str, ...], set[tuple[TableName, tuple[str, ...]]]]


def suspects(catalog: Catalog) -> Iterator[RelationRef]:
    """Columns outside of all foreign keys that look as if they referred to a key that they can be compared to."""
    keyed = {(key.child, column) for key in catalog.foreign_keys for column in key.child_columns}
    taught = _taught(catalog)
    for table in catalog.tables.values():
        for column in table.columns:
            if (table.name, column.name) not in keyed:
                yield from _suspects_of(catalog, table, column.name, taught)
        yield from _composites_of(catalog, table, taught, keyed)


def _suspects_of(catalog: Catalog, table: Table, column: str, taught: Taught) -> Iterator[RelationRef]:
    parents = taught.get((column,)) or set(_named_after(catalog, table, column))
    for parent, names in sorted(parents | set(_copied_from(catalog, table, column))):
        if parent != table.name:
            yield from _fitting(catalog, table, (column,), parent, names)


def _composites_of(
    catalog: Catalog, table: Table, taught: Taught, keyed: set[tuple[TableName, str]]
) -> Iterator[RelationRef]:
    """What several columns together mean elsewhere; a column named like its parent's only goes along."""
    own = {column.name for column in table.columns}
    for columns, parents in taught.items():
        if len(columns) > 1 and own.issuperset(columns):
            for parent, names in sorted(parents):
                pairs = zip(columns, names, strict=True)
                meant = [ours for ours, theirs in pairs if ours != theirs] or list(columns)
                if parent != table.name and not any((table.name, column) in keyed for column in meant):
                    yield from _fitting(catalog, table, columns, parent, names)


def _fitting(
    catalog: Catalog, table: Table, columns: tuple[str, ...], parent: TableName, names: tuple[str, ...]
) -> Iterator[RelationRef]:
    """The relation, where the types are such that its values can be compared."""
    found = RelationRef(table, columns, catalog.tables[parent], names)
    pairs = zip(columns, names, strict=True)
    if all(comparable(ColumnRef(table, a).type, ColumnRef(found.parent, b).type) for a, b in pairs):
        yield found


def _taught(catalog: Catalog) -> Taught:
    """What the names of columns mean in the foreign keys there are."""
    taught: Taught = defaultdict(set)
    for key in catalog.foreign_keys:
        if not _is_too_common(key):
            taught[key.child_columns].add((key.parent, key.parent_columns))
    return taught


def _is_too_common(key: ForeignKey) -> bool:
    return len(key.child_columns) == 1 and key.child_columns[0] in _TOO_COMMON


def _named_after(catalog: Catalog, table: Table, column: str) -> Iterator[tuple[TableName, tuple[str, ...]]]:
    """`foo_id` may be the key of `foo`, `foos` or, for `foy_id`, `foies`, in the same schema."""
    if not column.endswith("_id"):
        return
    base = column.removesuffix("_id")
    for name in (base, f"{base}s", f"{base}es", f"{base.removesuffix('y')}ies"):
        parent = catalog.tables.get(TableName(table.name.schema, name))
        if parent is not None and len(parent.primary_key) == 1:
            yield parent.name, parent.primary_key


def _copied_from(catalog: Catalog, table: Table, column: str) -> Iterator[tuple[TableName, tuple[str, ...]]]:
    """The key of `x_history` may be that of `x`."""
    for suffix in _COPIES:
        origin = catalog.tables.get(TableName(table.name.schema, table.name.name.removesuffix(suffix)))
        if origin is not None and origin is not table and origin.primary_key == (column,):
            yield origin.name, origin.primary_key
