"""Differences that Alembic suggests and Postgres has not: the two catalogs say the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from notifydb.autogen.change import Change
from notifydb.postgres.catalog import Catalog


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """What Postgres says: `actual` of the history's replay, `declared` of a database made by the models.

    `declared` is None where the models could not be made into one; `partitions` are tables of the history.
    """

    actual: Catalog = dataclasses.field(default_factory=dict)
    declared: Catalog | None = None
    partitions: frozenset[str] = frozenset()

    @property
    def partitioned(self) -> frozenset[str]:
        """The partitioned tables of the history, as changes name them."""
        return frozenset(
            name.removeprefix("public.")
            for (kind, name), definition in self.actual.items()
            if kind == "table" and definition.startswith("p ")
        )

    def both(self, kind: str, name: str) -> tuple[str | None, str | None]:
        """The definitions of one object in the history's database and in the models'."""
        declared: Mapping[tuple[str, str], str] = self.declared or {}
        return self.actual.get((kind, name)), declared.get((kind, name))


def reason(change: Change, facts: Facts) -> str | None:
    """Why there is no such difference; None where there is one."""
    if change.table is None:
        # alembic_utils would drop every view and function that is not registered with it.
        return "nothing says that it is to go" if change.kind == "drop_entity" else None
    table = with_schema(change.table)
    if change.kind == "add_table" and ("view", table) in facts.actual:
        return "the history makes a view of that name"
    if change.kind.startswith("remove_") and change.table in facts.partitions:
        return "it is on a partition, and goes with its table"
    if change.kind == "remove_table" and ("table", table) not in facts.actual:
        return "it belongs to an extension"
    if change.kind == "modify_index" and change.table in facts.partitioned:
        actual, declared = facts.both("index", f"{table.rpartition('.')[0]}.{change.name}")
        if (actual or "").replace(" ON ONLY ", " ON ") == declared:
            return "it is on a partitioned table, which the models do not tell"
    if change.kind.startswith("modify_") and change.name and facts.declared is not None:
        actual, declared = facts.both("column", f"{table}.{change.name}")
        if actual is not None and actual == declared:
            return f"Postgres has the same on both sides: {actual}"
    return None


def with_schema(name: str) -> str:
    """A name as the catalog has it: `users` is `public.users`."""
    return name if "." in name else f"public.{name}"
