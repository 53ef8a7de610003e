"""How a purge goes about it: what goes in committed batches beforehand, and which indexes pay."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from notifydb.postgres.relations import Catalog, ForeignKey, OnDelete, TableName
from notifydb.purge.components import components
from notifydb.purge.graph import Graph
from notifydb.purge.relation import Policy, Relation

#: The checks of deleted parents read so many rows of unindexed children in a second.
_VISITS_PER_SECOND: Final = 3_000_000
#: An index is built where the checks would take so much longer than the build.
_SECONDS_WORTH_AN_INDEX: Final = 0.2
_BUILT_PER_SECOND: Final = 1_000_000
_PAGE: Final = 8192
#: A table of so many bytes can be read for each batch of another.
_SOON_READ: Final = 8 * 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Strategy:
    """`levels` are the tables that go in batches, each level after those below it; `vacuumed` those of them
    that are worth it; `indexes` the foreign keys that get one for the time of the purge."""

    levels: tuple[tuple[TableName, ...], ...] = ()
    vacuumed: tuple[TableName, ...] = ()
    indexes: tuple[ForeignKey, ...] = ()

    @property
    def batched(self) -> tuple[TableName, ...]:
        return tuple(name for level in self.levels for name in level)

    def indexes_for(self, parents: Collection[TableName]) -> tuple[ForeignKey, ...]:
        """The keys that the deletion of rows of `parents` is checked by."""
        return tuple(key for key in self.indexes if key.parent in parents)


def choose(
    catalog: Catalog,
    graph: Graph,
    going: Mapping[TableName, int],
    detached: Collection[TableName],
    *,
    above: int,
) -> Strategy:
    """The strategy for so many `going` rows by table; up to `above` rows go in one transaction.

    `detached` are the tables that rows which stay have to let go of.
    """
    chooser = _Chooser(catalog, graph, going, detached, above)
    batched = chooser.batched() if sum(going.values()) > above else frozenset()
    indexes = tuple(chooser.indexes(batched))
    vacuumed = (name for name in sorted(batched) if chooser.is_checked(name))
    return Strategy(tuple(chooser.levels(batched)), tuple(vacuumed), indexes)


class _Chooser:
    def __init__(
        self,
        catalog: Catalog,
        graph: Graph,
        going: Mapping[TableName, int],
        detached: Collection[TableName],
        above: int,
    ) -> None:
        self.catalog = catalog
        self.graph = graph
        self.going = going
        self.detached = detached
        self.above = above
        self.referring: dict[TableName, list[Relation]] = {}
        for relation in graph.relations:
            self.referring.setdefault(relation.parent, []).append(relation)

    def batched(self) -> frozenset[TableName]:
        """The large tables, and all that has to be gone before them."""
        found: set[TableName] = set()
        for name, rows in self.going.items():
            together = self._with_children(name) if rows > self.above else None
            found |= together or frozenset()
        return frozenset(found)

    def _with_children(
        self, name: TableName, above: tuple[TableName, ...] = ()
    ) -> frozenset[TableName] | None:
        """The table and those below it; None where one of them has to go in the last transaction."""
        if name in above or not self._may_go_alone(name):
            return None
        found = {name}
        for child in self._children(name):
            below = self._with_children(child, (*above, name))
            if below is None:
                return None
            found |= below
        return frozenset(found)

    def _may_go_alone(self, name: TableName) -> bool:
        """Whether a batch of it changes nothing else, and the server refuses one that something refers to."""
        links = {membership.member.table.name for membership in self.graph.memberships}
        # Without its members a group would not be the same ones' any more, should the purge be cut short.
        if name in links or name in self.graph.selected or name in self.graph.cyclic or name in self.detached:
            return False
        if any(self.catalog.tables[child].bytes > _SOON_READ for child in self._by_custom(name)):
            return False
        keys = (key for key in self.catalog.foreign_keys if key.parent == name)
        plain = all(
            key.on_delete in (OnDelete.NO_ACTION, OnDelete.RESTRICT) and key.child != name for key in keys
        )
        return plain and not self.catalog.tables[name].has_delete_trigger

    def _by_custom(self, name: TableName) -> Iterator[TableName]:
        """What refers to the table without a foreign key: each batch has to read it for late rows."""
        for relation in self.referring.get(name, ()):
            if relation.foreign_key is None and relation.policy is Policy.FOLLOW:
                yield relation.child

    def _children(self, name: TableName) -> list[TableName]:
        """What goes and may refer to the table, by whatever key: rows that an actor has go for their own owner."""
        referring = (
            relation.child
            for relation in self.referring.get(name, ())
            if relation.policy is Policy.FOLLOW or relation.foreign_key is not None
        )
        return [child for child in dict.fromkeys(referring) if self.going.get(child)]

    def levels(self, batched: Collection[TableName]) -> Iterator[tuple[TableName, ...]]:
        """Tables of one level do not refer to each other."""
        children = {name: [c for c in self._children(name) if c in batched] for name in sorted(batched)}
        height: dict[TableName, int] = {}
        for (name,) in components(children):
            height[name] = 1 + max((height[child] for child in children[name]), default=0)
        for level in sorted(set(height.values())):
            yield tuple(name for name in height if height[name] == level)

    def is_checked(self, name: TableName) -> bool:
        """Whether rows that go later are looked for in this table."""
        return any(key.child == name and self.going.get(key.parent) for key in self.catalog.foreign_keys)

    def indexes(self, batched: Collection[TableName]) -> Iterator[ForeignKey]:
        """The keys whose checks would read a table over and over."""
        for key in self.catalog.foreign_keys:
            if not key.indexed and not self.catalog.tables[key.child].partitioned:
                checks = self.going.get(key.parent, 0) * self._read_by_a_check(key.child, batched)
                seconds = checks / _VISITS_PER_SECOND
                build = self._left(key.child, batched) / _BUILT_PER_SECOND
                if seconds > _SECONDS_WORTH_AN_INDEX + build:
                    yield key

    def _left(self, name: TableName, batched: Collection[TableName]) -> int:
        going = self.going.get(name, 0)
        rows = max(self.catalog.tables[name].rows, going)
        return rows - going if name in batched else rows

    def _read_by_a_check(self, name: TableName, batched: Collection[TableName]) -> int:
        """Rows that are left, and pages that were not given back."""
        return self._left(name, batched) + self.catalog.tables[name].bytes // _PAGE
