"""Rows that stay and let go, before they do: where that leads, and whether there is a way back."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from notifydb.postgres.relations import OnDelete, Table, TableName, quoted
from notifydb.purge.census import Census
from notifydb.purge.closure import Closure
from notifydb.purge.relation import DETACHING, Policy, Relation, by_foreign_key
from notifydb.purge.rewriting import rewriting

_NO_WAY_BACK: Final = "they could not be put back"


class LettingGo:
    """The relations by which rows let go, as far as there are such rows."""

    def __init__(self, closure: Closure, censuses: Mapping[TableName, Census]) -> None:
        self._closure = closure
        self._relations = [
            relation
            for census in censuses.values()
            for relation, rows in census.standing
            if rows and relation.policy in DETACHING
        ]

    def objections(self) -> Iterator[str]:
        """Why rows cannot let go, or could not be put back."""
        for relation in self._lost_targets():
            yield f"{relation}: the row to reassign to would go as well"
        for relation in self._lost_defaults():
            yield f"{relation}: ON DELETE SET DEFAULT leads to a row that would go as well, or is not there"
        for relation, other in self._referred():
            yield f"{relation} lets go by a column that {other} refers to, which is not supported"
        for one, other in self._twice():
            yield f"{one} and {other} share a column by which rows would let go of both, which is not supported"
        for name in self._unidentified():
            yield f"{name} has no primary key, and rows of it would let go in several ways: {_NO_WAY_BACK}"
        for name in self._rewritten():
            yield f"{name} has no primary key, and a trigger may change rows of it that let go: {_NO_WAY_BACK}"
        for relation in self._by(lambda table: table.primary_key):
            yield (
                f"{relation} lets go by a column of its primary key, which is not supported:"
                " it could not be put back"
            )
        for relation in self._by(lambda table: table.partitioned_by):
            yield (
                f"{relation} lets go by a column that its table is partitioned by, which is not supported:"
                " rows would have to move to another partition"
            )

    def _by(self, columns: Callable[[Table], Sequence[str]]) -> Iterator[Relation]:
        """Relations by which rows let go with one of their table's `columns`."""
        for relation in self._relations:
            table = self._closure.catalog.tables[relation.child]
            if not table.changed_with(relation.lets_go_by).isdisjoint(columns(table)):
                yield relation

    def _twice(self) -> Iterator[tuple[Relation, Relation]]:
        """Relations by which some row would let go of two others, by one column."""
        for one, other in itertools.combinations(self._relations, 2):
            shared = [name for name in one.lets_go_by if name in other.lets_go_by]
            if one.child == other.child and shared and self._is_some(one.child, one, other):
                yield one, other

    def _referred(self) -> Iterator[tuple[Relation, Relation]]:
        """Relations by which a row would let go with what others refer to it by, each with how they do."""
        for relation in self._relations:
            for other in self._referring_by(relation):
                key = other.foreign_key
                # The server lets go at last, when those that go are gone. They come back before the row has its
                # value again, though: only a key that is checked late allows that.
                is_late = relation.policy is Policy.SERVER and key is not None and key.deferrable
                rows = self._staying(other.child) if is_late else None
                if self._is_some(relation.child, relation, and_also=other.is_referred_to(rows=rows)):
                    yield relation, other

    def _staying(self, name: TableName) -> str:
        return f"(SELECT t.* FROM {name.sql} t WHERE {self._closure.stays(name)})"  # noqa: S608

    def _referring_by(self, relation: Relation) -> Iterator[Relation]:
        catalog = self._closure.catalog
        changed = catalog.tables[relation.child].changed_with(relation.lets_go_by)
        for key in catalog.foreign_keys:
            if key.parent == relation.child and not changed.isdisjoint(key.parent_columns):
                yield by_foreign_key(catalog, key)

    def _rewritten(self) -> Iterator[TableName]:
        """Tables without a primary key whose rows a trigger may change as they let go."""
        tables = self._closure.catalog.tables
        keyless = {each.child for each in self._relations if not tables[each.child].primary_key}
        triggered = (name for name, _ in rewriting(self._closure.conn, (), keyless)) if keyless else ()
        yield from dict.fromkeys(triggered)

    def _is_some(self, child: TableName, *relations: Relation, and_also: str = "true") -> bool:
        """Whether some row `t` of the child lets go by all of the relations, and fulfils a condition."""
        conditions = [*map(self._closure.refers, relations), self._closure.stays(child), and_also]
        where = " AND ".join(conditions)
        statement = f"SELECT EXISTS (SELECT FROM {child.sql} t WHERE {where})"  # noqa: S608
        return bool(self._closure.conn.scalar(sa.text(statement)))

    def _unidentified(self) -> Iterator[TableName]:
        """Tables whose rows let go in several ways and could not be told apart afterwards, to be put back."""
        children = [relation.child for relation in self._relations]
        for name in dict.fromkeys(children):
            if children.count(name) > 1 and not self._closure.catalog.tables[name].primary_key:
                yield name

    def _lost_targets(self) -> Iterator[Relation]:
        """Relations that rows would be reassigned by to a row that goes as well."""
        for relation in self._relations:
            if relation.reassign_to is not None and self._goes(relation.parent, relation):
                yield relation

    def _lost_defaults(self) -> Iterator[Relation]:
        """Relations by which ON DELETE SET DEFAULT leads to a row that goes as well, or is not there."""
        for relation in self._relations:
            key = relation.foreign_key
            if (
                relation.policy is Policy.SERVER
                and key is not None
                and key.on_delete is OnDelete.SET_DEFAULT
                and self._leads_nowhere(relation, dict(key.on_delete_sets))
            ):
                yield relation

    def _goes(self, parent: TableName, relation: Relation) -> bool:
        column = quoted(relation.parent_columns[0])
        statement = (
            f"SELECT EXISTS (SELECT FROM {parent.sql} t WHERE t.{column}::text = :key"  # noqa: S608
            f" AND ({self._closure.condition(parent)}))"
        )
        return bool(self._closure.conn.scalar(sa.text(statement), {"key": relation.reassign_to}))

    def _leads_nowhere(self, relation: Relation, defaults: Mapping[str, str | None]) -> bool:
        """Whether some row that has let go, and has its defaults then, refers to what will not be there."""
        refers, stays = self._closure.refers(relation), self._closure.stays(relation.child)
        written = {name: default.replace(":", r"\:") for name, default in defaults.items() if default}
        columns = (f"{written.get(name, f't.{quoted(name)}')} AS {quoted(name)}" for name in relation.columns)
        afterwards = f"SELECT {', '.join(columns)} FROM {relation.child.sql} t WHERE {refers} AND {stays}"  # noqa: S608
        somebody = " AND ".join(f"t.{quoted(name)} IS NOT NULL" for name in relation.columns)
        is_there = f"EXISTS (SELECT FROM {relation.parent.sql} k WHERE {relation.leads_to('k', 't')})"
        statement = (
            f"SELECT EXISTS (SELECT FROM ({afterwards}) t"  # noqa: S608
            f" WHERE {somebody} AND ({refers} OR NOT {is_there}))"
        )
        return bool(self._closure.conn.scalar(sa.text(statement)))
