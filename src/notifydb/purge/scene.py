"""What a plan looks at before it counts anything: a database's relations, and which of them a purge follows."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from notifydb.postgres.relations import Catalog, TableName, read_catalog
from notifydb.purge.closure import Closure
from notifydb.purge.evidence import Evidence
from notifydb.purge.graph import Graph, read_graph
from notifydb.purge.relation import Proof
from notifydb.purge.session import prepare_to_read
from notifydb.purge.target import Target, find_target
from notifydb.settings.model import PurgeSettings


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """What a purge is about: the database's relations, the match, and who owns whom.

    `proofs` are what was found of suspicions, by relation.
    """

    catalog: Catalog
    target: Target
    graph: Graph
    proofs: Mapping[str, Proof]

    def closure(
        self, conn: sa.Connection, *, lock: bool = False, drained: Collection[TableName] = ()
    ) -> Closure:
        """The closure of the match, not yet looked for."""
        return Closure(conn, self.catalog, self.graph, self.target, lock=lock, drained=drained)

    def closure_for(self, conn: sa.Connection, tables: Collection[TableName]) -> Closure:
        """A lasting one that can tell rows of these tables, and no others."""
        wanted = set(tables)
        for component in reversed(self.graph.walk):
            for name in component:
                if name in wanted:
                    wanted |= {owner.parent for owner in self.graph.owners_of(name)}
                    wanted |= set(component)
        return Closure(conn, self.catalog, self.graph, self.target, lasting=True, only=wanted)


def look(
    conn: sa.Connection, settings: PurgeSettings, prefix: str, known: Mapping[str, Proof] | None = None
) -> Scene:
    """Reads in the connection's transaction; what is `known` of suspicions is not looked into again.

    Raises UsageError for a bad prefix, ConfigurationError for settings that do not fit the database.
    """
    prepare_to_read(conn, settings.lock_timeout)
    catalog = read_catalog(conn)
    target = find_target(catalog, settings, prefix)
    evidence = Evidence(conn, catalog, known)
    graph = read_graph(catalog, target, settings, evidence)
    return Scene(catalog, target, graph, evidence.proofs)
