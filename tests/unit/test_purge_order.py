"""The order of tables, what is held against a plan, and what looks like a relation."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb import errors
from notifydb.postgres.relations import Catalog, Column, ForeignKey, OnDelete, Table, TableName
from notifydb.purge import detect, names
from notifydb.purge.components import components, is_cyclic
from notifydb.purge.objections import Facts, blockers, warnings
from notifydb.purge.order import deletion_order
from notifydb.purge.planned import Standing, Unindexed
from notifydb.purge.relation import Policy, Proof, Verdict
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


def said_in(found: Catalog) -> set[str]:
    return {str(ref) for ref in detect.suspects(found)}


@pytest.mark.parametrize(
    ("column", "parent"),
    [("box_id", "boxes"), ("city_id", "cities"), ("CityId", "City"), ("userUuid", "Users"), ("bus_id", "bus"),
     ("address_id", "addresses"), ("sales_order_id", "sales_orders")],
)  # fmt: skip
def test_a_column_is_named_after_a_table(column: str, parent: str) -> None:
    assert len(said_in(catalog([table(parent, "id"), table("x", column)]))) == 1
    assert said_in(catalog([table(f"{parent}x", "id"), table("x", column)])) == set()


def test_tables_of_the_same_schema_are_meant_first_and_others_only_where_there_is_one() -> None:
    def there(schema: str) -> Table:
        return dataclasses.replace(table("users", "id"), name=TableName(schema, "users"))

    child = table("x", "user_id")
    assert said_in(catalog([there("a"), child])) == {"x.user_id -> a.users.id"}
    assert said_in(catalog([there("a"), there("b"), child])) == set()
    assert said_in(catalog([there("a"), there("public"), child])) == {"x.user_id -> users.id"}


def test_a_name_that_means_many_things_means_nothing() -> None:
    parents = [table(f"p{number}", "id") for number in range(5)]
    keys = [key(f"c{number}", "item", f"p{number}") for number in range(5)]
    children = [table(f"c{number}", "item") for number in range(5)]
    found = [*parents, *children, table("x", "item"), table("tree", "id", "parent"), table("y", "parent")]
    assert said_in(catalog(found, *keys, key("tree", "parent", "tree"))) == set()
    assert len(said_in(catalog(found, *keys[:4]))) == 8


def test_columns_that_mean_something_only_together() -> None:
    orders = dataclasses.replace(table("orders", "tenant", "no"), primary_key=("tenant", "no"))
    composite = dataclasses.replace(
        key("lines", "", "orders"), child_columns=("tenant", "order_no"), parent_columns=("tenant", "no")
    )
    lines, notes = table("lines", "tenant", "order_no"), table("notes", "tenant", "order_no", "x")
    keyed = table("keyed", "tenant", "order_no")
    found = catalog(
        [orders, lines, notes, keyed, table("other", "order_no"), table("y", "id")],
        composite, key("keyed", "order_no", "y"),
    )  # fmt: skip
    assert said_in(found) == {
        "notes(tenant, order_no) -> orders(tenant, no)", "notes.order_no -> y.id", "other.order_no -> y.id",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [("uuid", "uuid", True), ("text", "uuid", True), ("integer", "bigint", True), ("uuid", "character varying", True),
     ("integer", "uuid", False), ("timestamp", "date", False), ("boolean", "text", True)],
)  # fmt: skip
def test_types_that_may_hold_the_same_key(ours: str, theirs: str, fits: bool) -> None:
    assert names.comparable(ours, theirs) == fits


odd_names = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)


@given(
    odd_names, odd_names, odd_names, st.lists(odd_names, min_size=2, max_size=3, unique=True), st.booleans()
)
def test_what_is_written_is_what_is_read(
    schema: str, own: str, other: str, columns: list[str], json: bool
) -> None:
    """Whatever names a database has, the text of a relation means that relation."""
    made = tuple(Column(column, "jsonb", nullable=True) for column in columns)
    tables = [
        Table(TableName(schema, own), made, (), 0, 0, has_delete_trigger=False),
        Table(TableName("public", other), made, (columns[0],), 0, 0, has_delete_trigger=False),
    ]
    found = Catalog({each.name: each for each in tables}, ())
    child, parent = found.tables[TableName(schema, own)], found.tables[TableName("public", other)]
    path = tuple(columns) if json else ()
    whole = names.RelationRef(child, tuple(columns), parent, tuple(reversed(columns)))
    for ref in (names.RelationRef(child, (columns[0],), parent, (columns[1],), path), whole):
        assert names.relation(found, str(ref)) == ref
    member, group = (names.ColumnRef(child, column) for column in columns[:2])
    link = names.MembershipRef(member, group, names.ColumnRef(parent, columns[0]))
    assert names.membership(found, str(link)) == link
    assert names.column(found, str(link.member)) == link.member


@pytest.mark.parametrize(
    ("proof", "verdict"),
    [
        (Proof(0, 0), Verdict.UNPROVED), (Proof(1, 1), Verdict.PROVED), (Proof(1, 0), Verdict.UNPROVED),
        (Proof(19, 0), Verdict.UNPROVED), (Proof(20, 0), Verdict.REFUTED), (Proof(200, 4), Verdict.REFUTED),
        (Proof(200, 5), Verdict.UNPROVED), (Proof(200, 99), Verdict.UNPROVED), (Proof(200, 100), Verdict.PROVED),
        (Proof(9, 9, is_numbered=True), Verdict.REFUTED),
    ],
)  # fmt: skip
def test_verdicts(proof: Proof, verdict: Verdict) -> None:
    assert proof.verdict is verdict


@pytest.mark.parametrize("text", ["a(b, c) -> d(e)", "a(b) -> d(e, f)", "a(b, c)->>'k' -> d(e, f)"])
def test_sides_that_do_not_match(text: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="not as many columns on either side"):
        names.relation(catalog([]), text)


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
