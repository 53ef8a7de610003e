"""What a purge would follow, keep, suspect and leave in this database, and why: needs no prefix, changes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import sqlalchemy as sa

from notifydb.postgres.relations import Catalog, read_catalog
from notifydb.purge.evidence import Evidence
from notifydb.purge.graph import Graph, read_graph
from notifydb.purge.relation import Policy, Relation
from notifydb.purge.session import prepare_to_read
from notifydb.purge.target import find_target
from notifydb.settings.model import PurgeSettings

#: Nothing is matched with it: the relations are the same for every prefix.
_ANY_PREFIX: Final = "explain"


@dataclasses.dataclass(frozen=True, slots=True)
class Explained:
    """One relation: what becomes of its rows (a policy, `refuted` or `waived`), and why.

    `sampled` of the child's values were looked for in the parent and `found` there, where that was asked.
    """

    relation: str
    policy: str
    origin: str
    why: str
    sampled: int | None = None
    found: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Explanation:
    """Every relation that matters from `root` on, in the order of the walk; `untouched` tables are not reached."""

    database: str
    root: str
    groups: tuple[str, ...]
    relations: tuple[Explained, ...]
    untouched: tuple[str, ...]
    unsupported: tuple[str, ...]
    unknown: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The explanation as plain values."""
        return dataclasses.asdict(self)


def explain(conn: sa.Connection, settings: PurgeSettings) -> Explanation:
    """Reads in the connection's transaction; raises ConfigurationError for settings that do not fit."""
    prepare_to_read(conn, settings.lock_timeout)
    catalog = read_catalog(conn)
    target = find_target(catalog, settings, _ANY_PREFIX)
    graph = read_graph(catalog, target, settings, Evidence(conn, catalog))
    return Explanation(
        str(conn.scalar(sa.text("SELECT current_database()"))),
        settings.root,
        tuple(str(membership) for membership in graph.memberships),
        tuple(_explained(graph)),
        tuple(_untouched(graph, catalog)),
        graph.unsupported,
        graph.unknown,
    )


def _explained(graph: Graph) -> Iterator[Explained]:
    place = {name: number for number, name in enumerate(graph.tables)}
    last = len(place)
    for relation in sorted(
        graph.relations, key=lambda each: (place[each.parent], place.get(each.child, last), each.child)
    ):
        yield _one(relation, relation.policy)
    for relation in graph.refuted:
        yield _one(relation, "refuted")
    for ref in graph.waived:
        yield Explained(str(ref), "waived", "declared", "purge.waived")


def _one(relation: Relation, policy: str) -> Explained:
    proof = relation.proof
    if proof is None:
        return Explained(str(relation), str(policy), relation.origin, relation.why)
    why = f"{relation.why}; {proof}"
    return Explained(str(relation), str(policy), relation.origin, why, proof.sampled, proof.found)


def _untouched(graph: Graph, catalog: Catalog) -> Iterator[str]:
    """Tables of which no row goes and none has to let go."""
    kept = (Policy.LEAVE, Policy.SUSPECT)
    touched = {*graph.tables, *(r.child for r in graph.relations if r.policy not in kept)}
    yield from (str(name) for name in sorted(catalog.tables.keys() - touched))
