"""What differs between two catalogs and is written by nobody: told, so that it is not passed over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Set

from notifydb.postgres.objects import Objects


@dataclasses.dataclass(frozen=True, slots=True)
class Unwritten:
    """A difference to write by hand; not where Alembic has a change of this `name` on this `table`."""

    kind: str
    table: str | None
    name: str
    description: str


def uncovered(actual: Objects, declared: Objects, unnamed_keys: Set[str]) -> Iterator[Unwritten]:
    """What differs in columns, constraints, sequences and the like, beside what Alembic compares itself.

    Columns and constraints that only one of the two has are Alembic's, but for the kinds that it does not know.
    `unnamed_keys` are tables whose primary key may have any name.
    """
    both = actual.tables & declared.tables
    elsewhere = (actual.tables | declared.tables) - both
    for kind, full_name in sorted(actual.catalog.keys() | declared.catalog.keys()):
        was, becomes = (catalog.get((kind, full_name)) for catalog in (actual.catalog, declared.catalog))
        title = full_name.removeprefix("public.")
        if was == becomes or not _is_told(kind, was, becomes):
            continue
        table = _longest_prefix(title, both, ".")
        if _longest_prefix(title, elsewhere, "._"):
            continue
        if kind in _ON_TABLES and table is None:
            continue
        definition = str(was or becomes)
        if (
            table
            and table in unnamed_keys
            and all(_has_key(definition, table, each) for each in (actual, declared))
        ):
            continue
        name = title.removeprefix(f"{table}.") if table else title
        yield Unwritten(
            kind, table, name, f"{kind} {title}: {was or 'missing'} becomes {becomes or 'missing'}"
        )


_ON_TABLES = ("table", "column", "constraint")
_ALEMBICS = ("FOREIGN KEY", "UNIQUE")


def _is_told(kind: str, was: str | None, becomes: str | None) -> bool:
    """Whether nobody else writes or compares it."""
    known = was or becomes or ""
    match kind:
        case "table" | "column":
            return was is not None and becomes is not None
        case "constraint" if known.startswith("CHECK"):
            return False
        case "constraint" if known.startswith(_ALEMBICS):
            return was is not None and becomes is not None
        case "constraint" | "sequence":
            return True
        case "domain" | "extension" | "schema":
            return becomes is not None
        case _:
            return False


def _has_key(definition: str, table: str, objects: Objects) -> bool:
    """Whether the table has this primary key, by whatever name."""
    return definition.startswith("PRIMARY KEY") and any(
        text == definition and kind == "constraint" and name.removeprefix("public.").startswith(f"{table}.")
        for (kind, name), text in objects.catalog.items()
    )


def _longest_prefix(title: str, tables: frozenset[str], ends: str) -> str | None:
    """The table that a name begins with, or is."""
    found = [
        table for table in tables if title == table or (title.startswith(table) and title[len(table)] in ends)
    ]
    return max(found, key=len, default=None)
