"""The order of tables, what is held against a plan, and what looks like a relation."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifydb.postgres.relations import Catalog, Column, ForeignKey, OnDelete, Table, TableName
from notifydb.purge import detect
from notifydb.purge.components import components, is_cyclic
from notifydb.purge.objections import Facts, blockers, warnings
from notifydb.purge.order import deletion_order
from notifydb.purge.planned import Standing, Unindexed
from notifydb.purge.relation import Policy
from notifydb.settings.model import PurgeSettings

Edges = dict[int, list[int]]
graphs = st.dictionaries(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=4), max_size=10)


def reachable(edges: Edges, start: int) -> set[int]:
    found, todo = set[int](), [other for other in edges[start] if other in edges]
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo += [other for other in edges[node] if other in edges]
    return found


@given(graphs)
def test_components_hold_what_leads_back_and_come_after_what_they_lead_to(edges: Edges) -> None:
    found = components(edges)
    assert sorted(node for component in found for node in component) == sorted(edges)
    place = {node: number for number, component in enumerate(found) for node in component}
    for node in edges:
        for other in reachable(edges, node):
            assert place[other] <= place[node]
            assert (place[other] == place[node]) == (other == node or node in reachable(edges, other))


def test_cycles() -> None:
    assert is_cyclic((1, 2), {1: [2], 2: [1]})
    assert is_cyclic((1,), {1: [1]})
    assert not is_cyclic((1,), {1: [2], 2: []})


def name(text: str) -> TableName:
    return TableName("public", text)


def table(text: str, *columns: str) -> Table:
    made = tuple(Column(column, "uuid", nullable=True) for column in columns)
    return Table(name(text), made, ("id",) if "id" in columns else (), 0, 0, has_delete_trigger=False)


def key(child: str, column: str, parent: str) -> ForeignKey:
    return ForeignKey(
        f"fk_{child}_{column}", name(child), (column,), name(parent), ("id",),
        nullable=True, on_delete=OnDelete.NO_ACTION, deferrable=False, validated=True, indexed=False,
    )  # fmt: skip


def catalog(tables: list[Table], *keys: ForeignKey) -> Catalog:
    return Catalog({each.name: each for each in tables}, keys)


def test_children_go_before_their_parents_and_rings_together() -> None:
    found = catalog(
        [table("a"), table("b"), table("c"), table("d")],
        key("b", "a_id", "a"), key("c", "b_id", "b"), key("b", "c_id", "c"), key("d", "d_id", "d"),
    )  # fmt: skip
    order = deletion_order(found, [name("a"), name("b"), name("c"), name("d")])
    assert [sorted(map(str, component)) for component in order] == [["b", "c"], ["a"], ["d"]]
    assert deletion_order(found, [name("c"), name("a")]) == [(name("a"),), (name("c"),)]


def test_suspicions() -> None:
    found = catalog(
        [
            table("users", "id"),
            table("services", "id", "user_id"),
            table("services_history", "id", "user_id"),
            table("facts", "service_id", "user_id", "other_id"),
            table("logs", "maker_id"),
            table("jobs", "id", "maker_id"),
        ],
        key("services", "user_id", "users"),
        key("jobs", "maker_id", "users"),
    )
    said = {str(ref) for ref in detect.suspects(found)}
    assert said == {
        "services_history.id -> services.id",
        "services_history.user_id -> users.id",
        "facts.service_id -> services.id",
        "facts.user_id -> users.id",
        "logs.maker_id -> users.id",
    }


FACTS = Facts(rows={}, totals={}, protected={}, triggers=(), foreign_founders={}, unknown=())


def standing(policy: Policy, *, nullable: bool = True) -> Standing:
    return Standing("a.b -> c.d", policy, 2, ("1", "2"), nullable)


def test_only_what_lets_go_or_is_left_does_not_block() -> None:
    def blocks(found: Standing) -> bool:
        return bool(list(blockers(name("users"), FACTS, [found], PurgeSettings())))

    free = {policy for policy in Policy if not blocks(standing(policy))}
    assert free == {Policy.NULL, Policy.REASSIGN, Policy.SERVER, Policy.LEAVE}
    assert blocks(standing(Policy.NULL, nullable=False))


def test_slow_checks_are_told() -> None:
    fast, slow = Unindexed("fast", "f", 10, 1_000), Unindexed("a(b) -> c", "s", 1_000, 20_000)
    assert list(warnings(FACTS, (), (fast, slow))) == [
        "a(b) -> c has no index: 1,000 deleted rows each scan about 20,000 rows"
    ]
