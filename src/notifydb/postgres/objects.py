"""What a database holds beside tables and columns, with the statements that make it and take it away."""

from __future__ import annotations

import dataclasses
import graphlib
import importlib.resources
from collections.abc import Iterable, Mapping
from typing import Final

import sqlalchemy as sa

from notifydb.postgres.catalog import Catalog, read_catalog, settled

#: Kind, table (None for what belongs to no table) and name.
Key = tuple[str, str | None, str]
#: The oid of the system catalog that an object is in, and its own.
Address = tuple[int, int]


@dataclasses.dataclass(frozen=True, slots=True)
class Object:
    """An enum, check, index, view (materialized or not), function, trigger, policy or statistics.

    `definition` is equal where two objects are; `signature` tells whether one can replace the other in
    place; `labels` are an enum's. Names are as Postgres writes them, with their schema unless that is `public`.
    """

    kind: str
    table: str | None
    name: str
    definition: str
    create: tuple[str, ...]
    drop: str
    signature: tuple[str, ...]
    labels: tuple[str, ...]
    address: Address

    @property
    def key(self) -> Key:
        return (self.kind, self.table, self.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name} on {self.table}" if self.table else f"{self.kind} {self.name}"


@dataclasses.dataclass(frozen=True, slots=True)
class EnumColumn:
    """A column of an enum type: all but `enum`, `place` (table's oid and number) is text for a statement."""

    enum: Address
    place: tuple[int, int]
    table: str
    name: str
    type: str
    default: str | None


@dataclasses.dataclass(frozen=True, slots=True)
class Objects:
    """The objects of one database; `catalog` holds these and everything else as plain text.

    `needs` are addresses with a column's number; oids grow, so what is older than `first_table` needs no table.
    """

    by_key: Mapping[Key, Object]
    enum_columns: tuple[EnumColumn, ...]
    needs: Mapping[Address, frozenset[tuple[int, int, int]]]
    first_table: int
    catalog: Catalog

    @property
    def tables(self) -> frozenset[str]:
        return frozenset(name.removeprefix("public.") for kind, name in self.catalog if kind == "table")

    def columns_of(self, enum: Object) -> tuple[EnumColumn, ...]:
        return tuple(column for column in self.enum_columns if column.enum == enum.address)

    def in_need_of(self, needed: Object) -> tuple[Object, ...]:
        """The objects that could not be there without this one."""
        return tuple(
            each for each in self.by_key.values()
            if any(need[:2] == needed.address for need in self.needs.get(each.address, ()))
        )  # fmt: skip

    def in_order(self, objects: Iterable[Object]) -> tuple[Object, ...]:
        """Each after those that it needs; otherwise enums first, then in the order in which they were made."""
        known = sorted(objects, key=lambda each: (each.kind != "enum", each.address[1]))
        addresses = {each.address: each for each in known}
        sorter = graphlib.TopologicalSorter[Address]()
        for address in addresses:
            needed = {need[:2] for need in self.needs.get(address, ())}
            sorter.add(address, *(each for each in needed if each in addresses and each != address))
        return tuple(addresses[address] for address in sorter.static_order())


def read_objects(conn: sa.Connection) -> Objects:
    """The objects of the user's schemas, without those that an extension brings."""
    with conn.begin_nested() if conn.in_transaction() else conn.begin():
        conn.execute(sa.text("SELECT set_config('search_path', '', true)"))
        objects = [_object(row) for row in conn.exec_driver_sql(_script("objects"))]
        columns = [_enum_column(row) for row in conn.exec_driver_sql(_script("objects_enum_columns"))]
        needs: dict[Address, set[tuple[int, int, int]]] = {}
        for row in conn.exec_driver_sql(_script("objects_needs")):
            needed = (row.needed_class, row.needed_oid, row.needed_column)
            needs.setdefault((row.address_class, row.oid), set()).add(needed)
        return Objects(
            {each.key: each for each in objects},
            tuple(columns),
            {address: frozenset(needed) for address, needed in needs.items()},
            conn.exec_driver_sql(_FIRST_TABLE).scalar_one(),
            read_catalog(conn),
        )


def _script(name: str) -> str:
    scripts = importlib.resources.files("notifydb.postgres").joinpath("sql")
    return scripts.joinpath(f"{name}.sql").read_text(encoding="utf-8")


def _object(row: sa.Row[tuple[object, ...]]) -> Object:
    return Object(
        row.kind, row.parent, row.title, settled(row.definition), tuple(row.create_sql), row.drop_sql,
        tuple(row.signature or ()), tuple(row.labels or ()), (row.address_class, row.oid),
    )  # fmt: skip


def _enum_column(row: sa.Row[tuple[object, ...]]) -> EnumColumn:
    return EnumColumn(
        (_PG_TYPE, row.enum), (row.table_oid, row.number),
        row.table_sql, row.column_sql, row.type, row.default_sql,
    )  # fmt: skip


_FIRST_TABLE: Final = (
    "SELECT coalesce(min(oid), 0)::bigint FROM pg_class WHERE relkind IN ('r', 'p') AND oid >= 16384"
)
_PG_TYPE: Final = 1247
