"""Relations without a foreign key, told by their names and types: only suspicions, never followed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from notifydb.postgres.relations import Catalog, ForeignKey, Table, TableName
from notifydb.purge.names import ColumnRef, RelationRef, comparable

_COPIES: Final = frozenset({"history", "archive", "audit", "log", "old"})
#: Shared primary keys would make every table's `id` suspicious.
_TOO_COMMON: Final = frozenset({"id"})
_KEYS: Final = frozenset({"id", "uuid", "guid"})

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


def meanings(catalog: Catalog, table: Table, name: str) -> Iterator[tuple[TableName, tuple[str, ...]]]:
    """The keys that a value called `name`, kept in this table, may be: tables with their columns."""
    yield from sorted(_taught(catalog).get((name,)) or set(_named_after(catalog, table, name)))


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


def words(name: str) -> tuple[str, ...]:
    """The words of a name in the singular, whether it is written_so or writtenSo."""
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return tuple(_singular(word) for word in re.split(r"[^0-9a-z]+", parted.lower()) if word)


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _named_after(catalog: Catalog, table: Table, column: str) -> Iterator[tuple[TableName, tuple[str, ...]]]:
    """`foo_id` or `fooId` may be the key of `foo` or `foos`."""
    *base, last = words(column) or ("",)
    if base and last in _KEYS:
        for parent in _called(catalog, table, tuple(base)):
            if len(parent.primary_key) == 1:
                yield parent.name, parent.primary_key


def _copied_from(catalog: Catalog, table: Table, column: str) -> Iterator[tuple[TableName, tuple[str, ...]]]:
    """The key of `foo_history` may be that of `foo` or `foos`."""
    *base, last = words(table.name.name) or ("",)
    if base and last in _COPIES:
        for origin in _called(catalog, table, tuple(base)):
            if origin.primary_key == (column,):
                yield origin.name, origin.primary_key


def _called(catalog: Catalog, table: Table, base: tuple[str, ...]) -> list[Table]:
    """Tables of these words: those in the schema of `table`, else the only one in others."""
    named = [each for each in catalog.tables.values() if words(each.name.name) == base]
    near = [each for each in named if each.name.schema == table.name.schema]
    return near or (named if len(named) == 1 else [])
