"""Relations without a foreign key, told by their names and types: only suspicions, never followed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, TypeAlias

from notifydb.postgres.relations import Catalog, ForeignKey, Table, TableName
from notifydb.purge.names import ColumnRef, RelationRef, comparable

_COPIES: Final = frozenset({"history", "archive", "audit", "log", "old"})
#: Shared primary keys would make every table's `id` suspicious.
_TOO_COMMON: Final = frozenset({"id"})
#: A name that means keys of more tables than this means nothing.
_AMBIGUOUS: Final = 4
_KEYS: Final = frozenset({"id", "uuid", "guid"})

#: A table, and the columns of a key of it.
Key: TypeAlias = tuple[TableName, tuple[str, ...]]


def suspects(catalog: Catalog) -> Iterator[RelationRef]:
    """Columns outside of all foreign keys that look as if they referred to a key that they can be compared to."""
    keyed = {(key.child, column) for key in catalog.foreign_keys for column in key.child_columns}
    meanings = Meanings(catalog)
    for table in catalog.tables.values():
        for column in table.columns:
            if (table.name, column.name) not in keyed:
                for key in sorted({*meanings.of(table, column.name), *meanings.copied(table, column.name)}):
                    yield from _fitting(catalog, table, (column.name,), key)
        for columns, key in meanings.together(table):
            # A column that is named like its parent's only goes along.
            pairs = zip(columns, key[1], strict=True)
            meant = [ours for ours, theirs in pairs if ours != theirs] or list(columns)
            if not any((table.name, column) in keyed for column in meant):
                yield from _fitting(catalog, table, columns, key)


class Meanings:
    """What names mean in one database: by its foreign keys, and by its tables' names."""

    def __init__(self, catalog: Catalog) -> None:
        taught: dict[tuple[str, ...], set[Key]] = defaultdict(set)
        for key in catalog.foreign_keys:
            # `parent_id` within a table says nothing of another's.
            if not _is_too_common(key) and key.parent != key.child:
                taught[key.child_columns].add((key.parent, key.parent_columns))
        self._taught = {columns: keys for columns, keys in taught.items() if len(keys) <= _AMBIGUOUS}
        self._composites = [columns for columns in self._taught if len(columns) > 1]
        self._tables: dict[tuple[str, ...], list[Table]] = defaultdict(list)
        for table in catalog.tables.values():
            self._tables[words(table.name.name)].append(table)

    def of(self, table: Table, name: str) -> set[Key]:
        """The keys that a value called `name`, kept in this table, may be."""
        return self._taught.get((name,), set()) or set(self._named_after(table, name))

    def together(self, table: Table) -> Iterator[tuple[tuple[str, ...], Key]]:
        """What several columns of the table mean in foreign keys elsewhere."""
        own = {column.name for column in table.columns}
        for columns in self._composites:
            if own.issuperset(columns):
                for key in sorted(self._taught[columns]):
                    yield columns, key

    def copied(self, table: Table, column: str) -> Iterator[Key]:
        """The key of `foo_history` may be that of `foo` or `foos`."""
        *base, last = words(table.name.name) or ("",)
        if base and last in _COPIES:
            for origin in self._called(table, tuple(base)):
                if origin.primary_key == (column,):
                    yield origin.name, origin.primary_key

    def _named_after(self, table: Table, column: str) -> Iterator[Key]:
        """`foo_id` or `fooId` may be the key of `foo` or `foos`."""
        *base, last = words(column) or ("",)
        if base and last in _KEYS:
            for parent in self._called(table, tuple(base)):
                if len(parent.primary_key) == 1:
                    yield parent.name, parent.primary_key

    def _called(self, table: Table, base: tuple[str, ...]) -> list[Table]:
        """Tables of these words: those in the schema of `table`, else the only one in others."""
        named = self._tables.get(base, [])
        near = [each for each in named if each.name.schema == table.name.schema]
        return near or (named if len(named) == 1 else [])


@lru_cache(maxsize=10_000)
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


def _fitting(catalog: Catalog, table: Table, columns: tuple[str, ...], key: Key) -> Iterator[RelationRef]:
    """The relation, where it leads to another table and the types are such that values can be compared."""
    parent, names = key
    found = RelationRef(table, columns, catalog.tables[parent], names)
    pairs = zip(columns, names, strict=True)
    if parent != table.name and all(
        comparable(ColumnRef(table, a).type, ColumnRef(found.parent, b).type) for a, b in pairs
    ):
        yield found


def _is_too_common(key: ForeignKey) -> bool:
    return len(key.child_columns) == 1 and key.child_columns[0] in _TOO_COMMON
