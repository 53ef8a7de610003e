"""The order in which rows are locked: that in which the inserts of others lock them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from notifydb.postgres.relations import Catalog, ForeignKey, TableName


def lock_order(catalog: Catalog, tables: Collection[TableName]) -> tuple[TableName, ...]:
    """The tables, each after those that an insert locks before it.

    The checks of a new row's foreign keys lock its parents, a key at a time in the order of their triggers'
    names (Postgres docs, "Overview of Trigger Behavior"). Where two tables' inserts contradict each other,
    the larger table is heeded: whoever waits then in a circle is found out by the server, and tries again.
    """
    order: list[TableName] = []
    before = _before(catalog, tables)
    left = list(dict.fromkeys(tables))
    while left:
        # The least held back: none where nobody is contradicted.
        held = {name: sum(before[name].get(other, 0) for other in left) for name in left}
        first = min(left, key=lambda name: (held[name], left.index(name)))
        order.append(first)
        left.remove(first)
    return tuple(order)


def _before(catalog: Catalog, tables: Collection[TableName]) -> defaultdict[TableName, dict[TableName, int]]:
    """For each table, those that are locked before it, with the rows of the tables that do so."""
    keys: dict[TableName, list[ForeignKey]] = defaultdict(list)
    for key in catalog.foreign_keys:
        if key.parent in tables:
            keys[key.child].append(key)
    before: defaultdict[TableName, dict[TableName, int]] = defaultdict(dict)
    for child, found in keys.items():
        parents = _parents_in_turn(found)
        weight = catalog.tables[child].rows + 1
        for place, later in enumerate(parents):
            for earlier in parents[:place]:
                before[later][earlier] = before[later].get(earlier, 0) + weight
    return before


def _parents_in_turn(keys: list[ForeignKey]) -> Sequence[TableName]:
    in_turn = sorted(keys, key=lambda key: key.trigger)
    return list(dict.fromkeys(key.parent for key in in_turn))
