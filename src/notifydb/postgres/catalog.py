"""The catalog as plain text: every object of the user's schemas with its definition."""

from __future__ import annotations

import dataclasses
import importlib.resources
import re
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import sqlalchemy as sa

from notifydb.postgres.connect import make_engine

Catalog = Mapping[tuple[str, str], str]

_ARRAY: Final = re.compile(r"\(ARRAY\[((?:'(?:[^']|'')*'::[\w \"().]+?(?:, )?)+)\]\)::([\w \".]+)\[\]")
_ELEMENT: Final = re.compile(r"'(?:[^']|'')*'::[^,\]]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Drift:
    """One object that differs: what is expected, and what is there; None is absent."""

    kind: str
    name: str
    expected: str | None
    actual: str | None

    @property
    def what(self) -> Literal["missing", "extra", "changed"]:
        if self.actual is None:
            return "missing"
        return "extra" if self.expected is None else "changed"


def catalog_at(url: str) -> Catalog:
    """`read_catalog` on a connection of its own."""
    with make_engine(url).connect() as conn:
        return read_catalog(conn)


def compare(expected: Catalog, actual: Catalog) -> tuple[Drift, ...]:
    """The objects that are not the same in both, in the order of kind and name."""
    return tuple(_compare(expected, actual))


def _compare(expected: Catalog, actual: Catalog) -> Iterator[Drift]:
    for kind, name in sorted(expected.keys() | actual.keys()):
        was, now = expected.get((kind, name)), actual.get((kind, name))
        if not is_same(was, now):
            yield Drift(kind, name, was, now)


def is_same(was: str | None, now: str | None) -> bool:
    """Whether two definitions, or two absences, are one, however Postgres has printed them."""
    return was == now or (was is not None and now is not None and settled(was) == settled(now))


def read_catalog(conn: sa.Connection) -> Catalog:
    """`{(kind, name): definition}` with qualified names, without notifydb's schema and alembic_version."""
    query = importlib.resources.files("notifydb.postgres").joinpath("sql/fingerprint.sql")
    with conn.begin_nested() if conn.in_transaction() else conn.begin():
        conn.execute(sa.text("SELECT set_config('search_path', '', true)"))
        rows = conn.exec_driver_sql(query.read_text(encoding="utf-8"))
        return {(row.kind, row.name): row.definition for row in rows}


def settled(definition: str) -> str:
    """`IN` on a varchar column is printed as a cast array, and that, read again, as an array of casts."""
    return _ARRAY.sub(
        lambda array: f"ARRAY[{_ELEMENT.sub(lambda each: f'({each[0]})::{array[2]}', array[1])}]", definition
    )
