"""Rows are locked in the order in which the inserts of others lock them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifydb.postgres.relations import Catalog, ForeignKey, OnDelete, Table, TableName
from notifydb.purge.lock_order import lock_order


def name(text: str) -> TableName:
    return TableName("public", text)


def table(text: str, rows: int = 0) -> Table:
    return Table(name(text), (), ("id",), rows, 0, has_delete_trigger=False)


def key(child: str, parent: str, trigger: str) -> ForeignKey:
    return ForeignKey(
        f"fk_{child}_{parent}", name(child), (f"{parent}_id",), name(parent), ("id",), nullable=True,
        on_delete=OnDelete.NO_ACTION, deferrable=False, validated=True, indexed=True, trigger=trigger,
    )  # fmt: skip


def order(tables: list[Table], keys: list[ForeignKey], *locked: str) -> list[str]:
    catalog = Catalog({each.name: each for each in tables}, tuple(keys))
    return [each.name for each in lock_order(catalog, [name(text) for text in locked])]


def test_by_the_names_of_the_triggers_whatever_the_order_of_the_keys() -> None:
    tables = [table("users"), table("services"), table("messages")]
    keys = [key("messages", "users", "c_17"), key("messages", "services", "c_16")]
    assert order(tables, keys, "users", "services") == ["services", "users"]
    assert order(tables, keys[::-1], "users", "services") == ["services", "users"]
    # Names are compared as text, as the server does.
    later = [key("messages", "users", "c_9"), key("messages", "services", "c_10")]
    assert order(tables, later, "users", "services") == ["services", "users"]


def test_a_row_is_locked_after_its_own_parents_only_where_an_insert_does_so() -> None:
    tables = [table("users"), table("services"), table("jobs")]
    keys = [key("services", "users", "a_1"), key("jobs", "services", "a_2"), key("jobs", "users", "a_3")]
    # A job's insert locks its service, then its user.
    assert order(tables, keys, "users", "services", "jobs") == ["services", "users", "jobs"]


def test_the_larger_table_is_heeded_where_two_contradict_each_other() -> None:
    small, large = table("logins", 10), table("messages", 1_000_000)
    keys = [
        key("logins", "users", "a_1"), key("logins", "services", "a_2"),
        key("messages", "services", "a_3"), key("messages", "users", "a_4"),
    ]  # fmt: skip
    tables = [table("users"), table("services"), small, large]
    assert order(tables, keys, "users", "services") == ["services", "users"]
    swapped = [table("users"), table("services"), table("logins", 1_000_000), table("messages", 10)]
    assert order(swapped, keys, "services", "users") == ["users", "services"]


def test_without_a_word_from_anybody_it_is_as_given() -> None:
    tables = [table("a"), table("b"), table("c")]
    assert order(tables, [], "b", "a", "c") == ["b", "a", "c"]
    # A key of a table that is not locked says nothing of one that is; one to itself neither.
    assert order(tables, [key("a", "b", "a_1"), key("a", "a", "a_0")], "c", "b") == ["c", "b"]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), max_size=15), st.randoms()
)
def test_each_is_locked_once_and_one_chain_of_inserts_is_obeyed(
    drawn: list[tuple[int, int, int]], random: object
) -> None:
    tables = [table(f"t{number}") for number in range(6)]
    keys = [key(f"t{child}", f"t{parent}", f"a_{trigger}") for child, parent, trigger in drawn]
    locked = [each.name.name for each in tables]
    random.shuffle(locked)  # type: ignore[attr-defined]
    assert sorted(order(tables, keys, *locked)) == sorted(locked)
    # Triggers numbered by parent: every insert agrees, and so does the order.
    agreed = [key(f"t{child}", f"t{parent}", f"a_{parent}") for child, parent, _ in drawn]
    found = order(tables, agreed, *locked)
    for child in range(6):
        parents = sorted({parent for other, parent, _ in drawn if other == child})
        places = [found.index(f"t{parent}") for parent in parents]
        assert places == sorted(places)
