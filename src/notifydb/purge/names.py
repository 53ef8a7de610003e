"""The small language of the purge settings: columns, relations, memberships and policies as text.

A name stands as it is stored; one with other characters than letters, digits, `_` and `$` stands in double quotes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Final

from notifydb import errors
from notifydb.postgres.relations import Catalog, Column, Table, TableName, spelled

_NAME: Final = r'(?:"(?:[^"]|"")+"|[\w$]+)'
_TABLE: Final = rf"{_NAME}(?:\.{_NAME})?"
_NAMES: Final = rf"{_NAME}(?:\s*,\s*{_NAME})*"
_KEY: Final = r"'(?:[^']|'')+'"
_COLUMN: Final = rf"(?P<{{0}}table>{_TABLE})\.(?P<{{0}}column>{_NAME})"
_SIDE: Final = rf"(?P<{{0}}table>{_TABLE})(?:\.(?P<{{0}}column>{_NAME})|\((?P<{{0}}columns>{_NAMES})\))"
_RELATION: Final = re.compile(
    _SIDE.format("") + rf"(?P<path>(?:->{_KEY})*->>{_KEY})?\s+->\s+" + _SIDE.format("parent_")
)
_MEMBERSHIP: Final = re.compile(
    rf"(?P<link>{_TABLE})\(\s*(?P<member>{_NAME})\s*->\s*(?P<group>{_NAME})\s*\)"
    rf"\s*->\s*(?P<table>{_TABLE})\((?P<key>{_NAME})\)"
)
_POLICY: Final = re.compile(rf"(?P<column>{_TABLE}\.{_NAME})\s*=\s*(?P<policy>\w+)(?::(?P<key>.+))?")
_BY_BYTES: Final = 'pg_catalog."C"'
_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})
_TEXTS: Final = frozenset({"text", "character varying", "character", "name", "citext"})


@dataclasses.dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column of a table of this database."""

    table: Table
    name: str

    @property
    def type(self) -> str:
        found = self.table.column(self.name)
        assert found is not None
        return found.type

    def __str__(self) -> str:
        return f"{self.table.name}.{spelled(self.name)}"


@dataclasses.dataclass(frozen=True, slots=True)
class RelationRef:
    """Rows of `child` refer to rows of `parent` by these columns.

    With a `json_path`, the value is under these keys of the child's only column.
    """

    child: Table
    columns: tuple[str, ...]
    parent: Table
    parent_columns: tuple[str, ...]
    json_path: tuple[str, ...] = ()

    @property
    def as_text(self) -> bool:
        """Whether the values are of types that only their texts can be compared by."""
        return bool(self.json_path) or any(
            _family(_type(self.child, ours)) != _family(_type(self.parent, theirs))
            for ours, theirs in zip(self.columns, self.parent_columns, strict=True)
        )

    def __str__(self) -> str:
        return spelled_relation(
            self.child.name, self.columns, self.parent.name, self.parent_columns, self.json_path
        )


@dataclasses.dataclass(frozen=True, slots=True)
class MembershipRef:
    """Rows of `member.table` tell that a root row is in a group; `key` is the group's own column."""

    member: ColumnRef
    group: ColumnRef
    key: ColumnRef

    def __str__(self) -> str:
        link, table = self.member.table.name, self.key.table.name
        member, group, key = (spelled(column.name) for column in (self.member, self.group, self.key))
        return f"{link}({member} -> {group}) -> {table}({key})"


@dataclasses.dataclass(frozen=True, slots=True)
class PolicyText:
    """What the settings say of a column; `key` is what it is reassigned to."""

    column: str
    policy: str
    key: str | None


def adapted(
    child: Table,
    columns: Sequence[str],
    parent: Table,
    parent_columns: Sequence[str],
    *,
    as_text: bool = False,
) -> dict[str, str]:
    """What is written behind columns to compare them as the parent's are, and as a foreign key does.

    As the child's own are, two keys may be equal that the parent tells apart.
    """
    found: dict[str, str] = {}
    for ours, theirs in zip(columns, parent_columns, strict=True):
        own, other = child.column(ours), parent.column(theirs)
        if own is not None and other is not None:
            # The text of any value has its blanks already as they count.
            padding = "" if as_text else _padding(own, other)
            found[ours] = padding + _collation(own, other)
    return {name: written for name, written in found.items() if written}


def column(catalog: Catalog, text: str) -> ColumnRef | None:
    """`table.column`, or None when it is not in this database; raises ConfigurationError for bad syntax."""
    match = _match(re.compile(_COLUMN.format("")), text, "table.column")
    return _column(catalog, match["table"], match["column"])


def relation(catalog: Catalog, text: str) -> RelationRef | None:
    """A relation, or None when it is not in this database; raises ConfigurationError for bad syntax.

    The forms are `child.column -> parent.column`, `child(a, b) -> parent(c, d)` and, with any number of keys,
    `child.column->'key'->>'key' -> parent.column`. A column that holds no JSON has no key to look for.
    """
    match = _match(_RELATION, text, "child.column -> parent.column")
    child, columns = _side(catalog, match, "")
    parent, parent_columns = _side(catalog, match, "parent_")
    path = tuple(_unquoted(key) for key in re.findall(_KEY, match["path"] or ""))
    if len(columns) != len(parent_columns) or (path and len(columns) > 1):
        raise errors.ConfigurationError(f"purge settings: {text!r} has not as many columns on either side")
    if child is None or parent is None or (path and _type(child, columns[0]) not in ("json", "jsonb")):
        return None
    return RelationRef(child, columns, parent, parent_columns, path)


def membership(catalog: Catalog, text: str) -> MembershipRef | None:
    """`link(member -> group) -> table(key)`, or None when one of its columns is not here."""
    match = _match(_MEMBERSHIP, text, "link(member -> group) -> table(key)")
    member = _column(catalog, match["link"], match["member"])
    group = _column(catalog, match["link"], match["group"])
    key = _column(catalog, match["table"], match["key"])
    return None if member is None or group is None or key is None else MembershipRef(member, group, key)


def policy(text: str) -> PolicyText:
    """`table.column=policy`, or `table.column=policy:key`."""
    match = _match(_POLICY, text, "table.column=policy")
    return PolicyText(match["column"], match["policy"], match["key"])


def comparable(one: str, other: str) -> bool:
    """Whether a column of one type may refer to one of the other: a text can hold any key."""
    return one == other or _family(one) == _family(other) or "text" in (_family(one), _family(other))


def spellings(catalog: Catalog, table: TableName, column: str) -> Iterator[str]:
    """All ways to say a column of a table: with and without the table, its schema, and quotes."""
    yield column
    yield spelled(column)
    whole = f"{spelled(table.schema)}.{spelled(table.name)}", f"{table.schema}.{table.name}"
    is_short = table.schema == "public" or catalog.is_only(table)
    for said in (*whole, *((spelled(table.name), table.name) if is_short else ())):
        yield f"{said}.{column}"
        yield f"{said}.{spelled(column)}"


def spelled_relation(
    child: TableName,
    columns: Sequence[str],
    parent: TableName,
    parent_columns: Sequence[str],
    json_path: Sequence[str] = (),
) -> str:
    """A relation as the settings have it."""
    if len(columns) > 1:
        left, right = (", ".join(map(spelled, names)) for names in (columns, parent_columns))
        return f"{child}({left}) -> {parent}({right})"
    keys = ["'" + key.replace("'", "''") + "'" for key in json_path]
    path = "".join(f"->{key}" for key in keys[:-1]) + "".join(f"->>{key}" for key in keys[-1:])
    return f"{child}.{spelled(columns[0])}{path} -> {parent}.{spelled(parent_columns[0])}"


def _padding(own: Column, other: Column) -> str:
    """Blanks at the end of a `character` count for nothing, those of other texts do."""
    if own.padded == other.padded:
        return ""
    return "::bpchar" if other.padded else "::text"


def _collation(own: Column, other: Column) -> str:
    wanted = other.collation or _BY_BYTES
    return f" COLLATE {wanted}" if own.has_own_collation and wanted != own.collation else ""


def _family(type_: str) -> str:
    if type_ in _INTEGERS:
        return "integer"
    return "text" if type_ in _TEXTS else type_


def _type(table: Table, name: str) -> str:
    return ColumnRef(table, name).type


def _match(pattern: re.Pattern[str], text: str, form: str) -> re.Match[str]:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise errors.ConfigurationError(f"purge settings: {text!r} is not of the form {form}")
    return match


def _side(catalog: Catalog, match: re.Match[str], side: str) -> tuple[Table | None, tuple[str, ...]]:
    """The table, None where it lacks one of the columns, and the columns."""
    listed = re.findall(_NAME, match[f"{side}column"] or match[f"{side}columns"])
    names = tuple(map(_unquoted, listed))
    table = _table(catalog, match[f"{side}table"])
    if table is None or any(table.column(name) is None for name in names):
        return None, names
    return table, names


def _column(catalog: Catalog, table: str, name: str) -> ColumnRef | None:
    found, own = _table(catalog, table), _unquoted(name)
    return ColumnRef(found, own) if found is not None and found.column(own) is not None else None


def _table(catalog: Catalog, text: str) -> Table | None:
    if '"' not in text:
        return catalog.find(text)
    *schema, name = map(_unquoted, re.findall(_NAME, text))
    if schema:
        return catalog.tables.get(TableName(schema[0], name))
    return catalog.tables.get(TableName("public", name)) or _only(catalog, text, name)


def _only(catalog: Catalog, text: str, name: str) -> Table | None:
    found = [table for table in catalog.tables.values() if table.name.name == name]
    if len(found) > 1:
        places = ", ".join(sorted(str(table.name) for table in found))
        raise errors.ConfigurationError(f"{text} is ambiguous: {places}", hint="name the schema as well")
    return found[0] if found else None


def _unquoted(text: str) -> str:
    mark = text[0]
    return text[1:-1].replace(mark * 2, mark) if mark in "\"'" else text
