"""The small language of the purge settings: columns, relations, memberships and policies as text."""

from __future__ import annotations

import dataclasses
import re
from typing import Final

from notifydb import errors
from notifydb.postgres.relations import Catalog, Table

_COLUMN: Final = r"(?P<{0}table>[\w.]+)\.(?P<{0}column>\w+)"
_RELATION: Final = re.compile(
    _COLUMN.format("") + r"(?:->>'(?P<key>[^']+)')?\s+->\s+" + _COLUMN.format("parent_")
)
_MEMBERSHIP: Final = re.compile(
    r"(?P<link>[\w.]+)\(\s*(?P<member>\w+)\s*->\s*(?P<group>\w+)\s*\)\s*->\s*(?P<table>[\w.]+)\((?P<key>\w+)\)"
)
_POLICY: Final = re.compile(r"(?P<column>[\w.]+\.\w+)\s*=\s*(?P<policy>\w+)")


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
        return f"{self.table.name}.{self.name}"


@dataclasses.dataclass(frozen=True, slots=True)
class RelationRef:
    """A relation of the settings; `json_key` when the child's value is inside a JSON column."""

    child: ColumnRef
    parent: ColumnRef
    json_key: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class MembershipRef:
    """Rows of `member.table` tell that a root row is in a group; `key` is the group's own column."""

    member: ColumnRef
    group: ColumnRef
    key: ColumnRef


def column(catalog: Catalog, text: str) -> ColumnRef | None:
    """`table.column`, or None when it is not in this database; raises ConfigurationError for bad syntax."""
    match = _match(re.compile(_COLUMN.format("")), text, "table.column")
    return _column(catalog, match["table"], match["column"])


def relation(catalog: Catalog, text: str) -> RelationRef | None:
    """`child.column -> parent.column`, or `child.column->>'key' -> parent.column`; None when not here.

    A column that holds no JSON has no key to look for.
    """
    match = _match(_RELATION, text, "child.column -> parent.column")
    child = _column(catalog, match["table"], match["column"])
    parent = _column(catalog, match["parent_table"], match["parent_column"])
    if child is None or parent is None or (match["key"] and child.type not in ("json", "jsonb")):
        return None
    return RelationRef(child, parent, match["key"])


def membership(catalog: Catalog, text: str) -> MembershipRef | None:
    """`link(member -> group) -> table(key)`, or None when one of its columns is not here."""
    match = _match(_MEMBERSHIP, text, "link(member -> group) -> table(key)")
    member = _column(catalog, match["link"], match["member"])
    group = _column(catalog, match["link"], match["group"])
    key = _column(catalog, match["table"], match["key"])
    return None if member is None or group is None or key is None else MembershipRef(member, group, key)


def policy(text: str) -> tuple[str, str]:
    """`table.column=policy` as its two sides."""
    match = _match(_POLICY, text, "table.column=policy")
    return match["column"], match["policy"]


def _match(pattern: re.Pattern[str], text: str, form: str) -> re.Match[str]:
    match = pattern.fullmatch(text.strip())
    if match is None:
        raise errors.ConfigurationError(f"purge settings: {text!r} is not of the form {form}")
    return match


def _column(catalog: Catalog, table: str, name: str) -> ColumnRef | None:
    found = catalog.find(table)
    return ColumnRef(found, name) if found is not None and found.column(name) is not None else None
