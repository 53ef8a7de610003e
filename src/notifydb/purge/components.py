"""Orders tables by what they refer to, with those that refer to each other in one component."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Generic, TypeVar

Node = TypeVar("Node")


def components(edges: Mapping[Node, Collection[Node]]) -> list[tuple[Node, ...]]:
    """Strongly connected components (Tarjan): each comes after all that its nodes have edges to.

    `edges` has every node as a key; edges to other nodes are ignored.
    """
    walk = _Walk(edges)
    for node in edges:
        if node not in walk.low:
            walk.visit(node)
    return walk.found


def is_cyclic(component: tuple[Node, ...], edges: Mapping[Node, Collection[Node]]) -> bool:
    """Whether its nodes lead back to themselves."""
    return len(component) > 1 or component[0] in edges[component[0]]


class _Walk(Generic[Node]):
    """The depth-first walk; as deep as the longest chain of tables, which is no depth for Python."""

    def __init__(self, edges: Mapping[Node, Collection[Node]]) -> None:
        self.edges = edges
        self.low: dict[Node, int] = {}
        self.open: list[Node] = []
        self.found: list[tuple[Node, ...]] = []

    def visit(self, node: Node) -> None:
        number = self.low[node] = len(self.low)
        self.open.append(node)
        for other in self.edges[node]:
            if other not in self.edges:
                continue
            if other not in self.low:
                self.visit(other)
            if other in self.open:
                self.low[node] = min(self.low[node], self.low[other])
        if self.low[node] == number:
            place = self.open.index(node)
            self.found.append(tuple(self.open[place:]))
            del self.open[place:]
