"""Makes a plan from the database: who is matched, what is theirs, what stands in the way."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from notifydb.postgres.relations import Catalog, TableName, quoted
from notifydb.purge import journal
from notifydb.purge.census import Census
from notifydb.purge.closure import Closure
from notifydb.purge.graph import Graph
from notifydb.purge.helpful import left_over
from notifydb.purge.letting_go import LettingGo
from notifydb.purge.objections import Facts, blockers, warnings
from notifydb.purge.order import deletion_order
from notifydb.purge.planned import LISTED, Kept, Plan, SharedGroup, Standing, TablePlan, Unindexed
from notifydb.purge.relation import Policy, Proof, Relation
from notifydb.purge.scene import Scene, look
from notifydb.purge.strategy import Strategy, choose
from notifydb.purge.target import Target
from notifydb.settings.model import PurgeSettings

_EXAMPLES: Final = 5


@dataclasses.dataclass(frozen=True, slots=True)
class Survey:
    """A plan and the closure it was made from, which lives as long as the transaction."""

    plan: Plan
    closure: Closure


def survey(
    conn: sa.Connection,
    settings: PurgeSettings,
    prefix: str,
    *,
    lock: bool,
    reading: Callable[[TableName], None],
    known: Mapping[str, Proof] | None = None,
    drained: Collection[TableName] = (),
) -> Survey:
    """Plans in the connection's transaction, when the rows of the tables `drained` are gone.

    Raises as `look` does, and Refused where rows change under the lock.
    """
    scene = look(conn, settings, prefix, known)
    closure = scene.closure(conn, lock=lock, drained=drained)
    return Survey(_Surveyor(scene, closure, closure.build(reading), settings).plan(), closure)


class _Surveyor:
    """Asks the questions whose answers are the plan."""

    def __init__(
        self, scene: Scene, closure: Closure, censuses: Mapping[TableName, Census], settings: PurgeSettings
    ) -> None:
        self.scene = scene
        self.closure = closure
        self.censuses = censuses
        self.settings = settings
        self.conn: sa.Connection = closure.conn
        self.catalog: Catalog = scene.catalog
        self.graph: Graph = scene.graph
        self.target: Target = scene.target

    def plan(self) -> Plan:
        standing = tuple(self._standing())
        facts = self._facts()
        strategy = self._strategy(standing)
        unindexed = tuple(sorted(self._unindexed(strategy), key=lambda key: -key.row_visits))
        kept, kept_count = self._kept()
        shared, shared_count = self._shared()
        draft = Plan(
            id="",
            scope="",
            database=str(self.conn.scalar(sa.text("SELECT current_database()"))),
            prefix=self.target.prefix,
            root=f"{self.graph.root}.{self.target.column}",
            matched=self._going(self.graph.root),
            root_rows=facts.totals.get(self.graph.root, 0),
            examples=tuple(self._examples()),
            tables=tuple(self._tables()),
            standing=standing,
            shared=shared,
            shared_count=shared_count,
            kept=kept,
            kept_count=kept_count,
            unindexed=unindexed,
            suspicious=tuple(str(r) for r in self.graph.relations if r.policy is Policy.SUSPECT),
            strategy=strategy,
            chosen=self.closure.chosen(),
            scene=self.scene,
            unfinished=journal.unfinished(self.conn, self.target.prefix),
            left_over=left_over(self.conn),
            blockers=tuple(blockers(self.graph.root, facts, standing, self.settings)),
            warnings=tuple(warnings(facts, standing, unindexed)),
            settings=self.settings,
        )
        scope = self._scope(draft)
        counted = [(str(table.table), table.rows) for table in draft.tables]
        return dataclasses.replace(draft, scope=_hash(scope), id=_hash([scope, counted]))

    # -- the rows that go --

    def _tables(self) -> Iterator[TablePlan]:
        paths = self._paths()
        for component in deletion_order(self.catalog, [n for n, c in self.censuses.items() if c.rows]):
            for name in component:
                census, (path, relation) = self.censuses[name], paths[name]
                by_relation = tuple((str(r), rows) for r, rows in census.by_relation if rows)
                yield TablePlan(
                    name, census.rows, self._bytes(name, census.rows), path, relation, by_relation
                )

    def _paths(self) -> Mapping[TableName, tuple[tuple[str, ...], str | None]]:
        """The shortest way to each table by which rows were found."""
        paths: dict[TableName, tuple[tuple[str, ...], str | None]] = {
            self.graph.root: ((str(self.graph.root),), None)
        }
        for membership in self.graph.memberships:
            link, group = membership.member.table.name, membership.key.table.name
            step = f"{link}.{membership.group.name} -> {group}.{membership.key.name}"
            paths.setdefault(group, ((str(self.graph.root), str(link), str(group)), step))
        rounds = list(self.censuses.items())
        for _ in rounds:
            for name, census in rounds:
                ways = [
                    r for r, rows in census.by_relation if rows and r.parent in paths and r.parent != name
                ]
                if name not in paths and ways:
                    best = min(ways, key=lambda relation: len(paths[relation.parent][0]))
                    paths[name] = ((*paths[best.parent][0], str(name)), str(best))
        return paths

    def _bytes(self, name: TableName, rows: int) -> int:
        table = self.catalog.tables[name]
        return table.bytes * rows // max(table.rows, rows, 1)

    def _examples(self) -> Iterator[str]:
        column = quoted(self.target.column)
        found = self.conn.execute(
            sa.text(
                f"SELECT t.{column}::text FROM {self.graph.root.sql} t"  # noqa: S608
                f" WHERE {self.closure.condition(self.graph.root)} ORDER BY 1 LIMIT {_EXAMPLES}"
            )
        )
        yield from found.scalars()

    # -- the rows that stay --

    def _standing(self) -> Iterator[Standing]:
        for census in self.censuses.values():
            for relation, rows in census.standing:
                if rows:
                    keys = tuple(self._standing_keys(relation))
                    yield Standing(str(relation), relation.policy, rows, keys, bool(relation.nullable))

    def _standing_keys(self, relation: Relation) -> Iterator[str]:
        found = self.conn.execute(
            sa.text(
                f"SELECT {self._label(relation.child)} FROM {relation.child.sql} t"  # noqa: S608
                f" WHERE {self.closure.refers(relation)} AND {self.closure.stays(relation.child)}"
                f" ORDER BY 1 LIMIT {_EXAMPLES}"
            )
        )
        yield from found.scalars()

    def _kept(self) -> tuple[tuple[Kept, ...], int]:
        """Look-alikes and protected rows of the root."""
        why = f"coalesce({self.target.wrong}, {self.target.protection})"
        found = self.conn.execute(
            sa.text(
                f"SELECT t.{quoted(self.target.column)}::text AS label, {why} AS reason, count(*) OVER ()"  # noqa: S608
                f" FROM {self.graph.root.sql} t WHERE {self.target.looks_alike} AND {why} IS NOT NULL"
                f" ORDER BY 2, 1 LIMIT {LISTED}"
            ),
            self.target.parameters,
        ).all()
        kept = tuple(Kept(self.graph.root, label, reason) for label, reason, _ in found)
        return kept, found[0][2] if found else 0

    def _shared(self) -> tuple[tuple[SharedGroup, ...], int]:
        """Groups that stay although some of their members go."""
        shared: list[SharedGroup] = []
        count = 0
        for membership in self.graph.memberships:
            outside, group = self.closure.outsiders(membership), membership.key.table.name
            belongs = self.closure.relation_of(membership.group, group)
            members = (
                f"SELECT {belongs.value(membership.group.name, 'l')} AS key,"  # noqa: S608
                f" count(*) FILTER (WHERE NOT {outside}) AS leaving,"
                f" count(*) FILTER (WHERE {outside}) AS staying"
                f" FROM {membership.member.table.name.sql} l GROUP BY 1"
            )
            found = self.conn.execute(
                sa.text(
                    f"SELECT m.key::text, m.leaving, m.staying, count(*) OVER ()"  # noqa: S608
                    f" FROM ({members}) m JOIN {group.sql} t ON {belongs.key(membership.key.name, 't')} = m.key"
                    f" WHERE m.leaving > 0 AND {self.closure.stays(group)} ORDER BY 1 LIMIT {LISTED}"
                )
            ).all()
            count += found[0][3] if found else 0
            shared += [
                SharedGroup(group, key, leaving, staying, key in self.settings.protected)
                for key, leaving, staying, _ in found
            ]
        return tuple(shared), count

    # -- what to know of it --

    def _strategy(self, standing: Sequence[Standing]) -> Strategy:
        letting_go = {found.relation for found in standing}
        detached = {relation.parent for relation in self.graph.relations if str(relation) in letting_go}
        return choose(self.catalog, self.graph, self.closure.rows, detached, above=self.settings.batch_above)

    def _unindexed(self, strategy: Strategy) -> Iterator[Unindexed]:
        for key in self.catalog.foreign_keys:
            if not key.indexed and self.closure.has_rows(key.parent):
                relation = f"{key.child}({', '.join(key.child_columns)}) -> {key.parent}"
                child_rows = max(self.catalog.tables[key.child].rows, self._going(key.child))
                if child_rows:
                    built = key in strategy.indexes
                    yield Unindexed(relation, key.name, self._going(key.parent), child_rows, built)

    def _facts(self) -> Facts:
        going = {name: census for name, census in self.censuses.items() if census.rows}
        return Facts(
            rows={name: census.rows for name, census in going.items()},
            totals={name: census.total for name, census in going.items()},
            protected={name: census.protected for name, census in going.items() if census.protected},
            triggers=tuple(name for name in going if self.catalog.tables[name].has_delete_trigger),
            foreign_founders=dict(self._foreign_founders()),
            unknown=self.graph.unknown,
            unsupported=self.graph.unsupported,
            doubts=self.graph.doubts,
            bound=tuple(LettingGo(self.closure, self.censuses).objections()),
        )

    def _foreign_founders(self) -> Iterator[tuple[str, int]]:
        """Groups that go although somebody who stays made them."""
        for founder in self.graph.founders:
            group = founder.table.name
            if self.closure.has_rows(group):
                rows = self.conn.scalar(
                    sa.text(
                        f"SELECT count(*) FROM {group.sql} t WHERE {self.closure.condition(group)}"  # noqa: S608
                        f" AND t.{quoted(founder.name)} IS NOT NULL AND NOT {self.closure.founded(founder)}"
                    )
                )
                yield str(founder), int(rows or 0)

    def _going(self, name: TableName) -> int:
        return self.closure.rows.get(name, 0)

    def _label(self, name: TableName) -> str:
        key = self.catalog.tables[name].primary_key or ("ctid",)
        return "concat_ws(', ', {}) COLLATE \"C\"".format(
            ", ".join(f"t.{quoted(column)}::text" for column in key)
        )

    def _scope(self, plan: Plan) -> object:
        """What would be done, but for the number of rows that the chosen ones own; estimates have no part in it."""
        return {
            "database": plan.database,
            "prefix": plan.prefix,
            "chosen": plan.chosen,
            "standing": [(s.relation, s.policy, s.rows) for s in plan.standing],
            "relations": [(str(r), r.policy, r.reassign_to) for r in self.graph.relations],
            "blockers": plan.blockers,
        }


def _hash(said: object) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
