"""What goes in batches, which indexes pay, and how fast batches may follow each other; without a database."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from notifydb.postgres.relations import Catalog, ForeignKey, OnDelete, Table, TableName
from notifydb.purge.events import Batch, Drained, Event, Slowed
from notifydb.purge.graph import Graph
from notifydb.purge.pace import Pace
from notifydb.purge.ranges import Leaf, Range, Ranges
from notifydb.purge.relation import Policy, Relation
from notifydb.purge.strategy import Strategy, choose


def name(text: str) -> TableName:
    return TableName("public", text)


def table(text: str, rows: int = 0, pages: int = 0, *, partitioned: bool = False) -> Table:
    return Table(
        name(text), (), ("id",), rows, pages * 8192, has_delete_trigger=False, partitioned=partitioned
    )


def key(child: str, parent: str, *, indexed: bool = True) -> ForeignKey:
    return ForeignKey(
        f"fk_{child}_{parent}", name(child), (f"{parent}_id",), name(parent), ("id",), nullable=True,
        on_delete=OnDelete.NO_ACTION, deferrable=False, validated=True, indexed=indexed,
    )  # fmt: skip


def chosen(
    tables: list[Table], keys: list[ForeignKey], going: dict[str, int], above: int = 0, *detached: str
) -> Strategy:
    relations = tuple(
        Relation(k.child, k.child_columns, k.parent, k.parent_columns, Policy.FOLLOW, "foreign key", k)
        for k in keys
    )
    graph = Graph(name("users"), (), (), relations, (), frozenset(), ())
    catalog = Catalog({each.name: each for each in tables}, tuple(keys))
    rows = {name(text): count for text, count in going.items()}
    return choose(catalog, graph, rows, [name(text) for text in detached], above=above)


CHAIN = [table("users"), table("a", 100), table("b", 100)]
KEYS = [key("a", "users"), key("b", "a")]


@pytest.mark.parametrize(
    ("going", "above", "batches"),
    [
        ({"users": 1, "a": 50, "b": 50}, 0, ["b", "a"]),
        ({"users": 1, "a": 50, "b": 50}, 100, []),
        ({"users": 1, "a": 50, "b": 50}, 49, ["b", "a"]),
        # Together they are many, and none of them is large.
        ({"users": 1, "a": 50, "b": 50}, 50, []),
        # Of a chain with a large end the end alone goes; with a large middle what hangs on it, too.
        ({"users": 1, "a": 5, "b": 50}, 49, ["b"]),
        ({"users": 1, "a": 50, "b": 5}, 49, ["b", "a"]),
        ({"users": 1, "a": 50, "b": 0}, 49, ["a"]),
        ({"users": 99}, 0, []),
    ],
)
def test_the_large_ones_and_what_has_to_be_gone_before_them(
    going: dict[str, int], above: int, batches: list[str]
) -> None:
    assert [each.name for each in chosen(CHAIN, KEYS, going, above).batched] == batches


def test_what_others_let_go_of_and_all_above_it_waits_for_the_end() -> None:
    going = {"users": 1, "a": 50, "b": 50}
    assert chosen(CHAIN, KEYS, going, 0, "b").batched == ()
    assert chosen(CHAIN, KEYS, going, 0, "a").batched == (name("b"),)


def test_only_what_is_looked_into_later_is_vacuumed() -> None:
    """The checks of `a` look into `b`; nothing that goes is referred to by `c`."""
    tables, keys = [*CHAIN, table("c")], [*KEYS, key("c", "elsewhere")]
    strategy = chosen(tables, keys, {"users": 1, "a": 5, "b": 5, "c": 5})
    assert strategy.vacuumed == (name("a"), name("b"))


@pytest.mark.parametrize(
    ("child", "going", "pays"),
    [
        (table("a", 1_000_000, 10_000), {"users": 100}, True),
        # One user's check is done before any index is.
        (table("a", 1_000_000, 10_000), {"users": 1}, False),
        (table("a", 100, 1), {"users": 1_000}, False),
        (table("a", 1_000_000, 10_000, partitioned=True), {"users": 1_000}, False),
        (table("a", 1_000_000, 10_000), {"users": 0}, False),
        # All of its rows are gone by then, and only its pages are left to be read.
        (table("a", 10_000, 100), {"users": 1_000, "a": 10_000}, False),
        (table("a", 1_000_000, 10_000), {"users": 1_000, "a": 1_000_000}, True),
    ],
)
def test_an_index_pays_where_the_checks_would_take_longer(
    child: Table, going: dict[str, int], pays: bool
) -> None:
    without = key("a", "users", indexed=False)
    assert bool(chosen([table("users"), child], [without], going).indexes) == pays
    assert chosen([table("users"), child], [key("a", "users")], going).indexes == ()


def test_an_index_is_built_before_the_level_that_is_checked_by_it() -> None:
    tables = [
        table("users"),
        table("a", 10_000),
        table("b", 1_000_000, 10_000),
        table("c", 1_000_000, 10_000),
    ]
    keys = [key("a", "users"), key("b", "a", indexed=False), key("c", "users", indexed=False)]
    strategy = chosen(tables, keys, {"users": 100, "a": 5_000, "b": 10}, above=0)
    assert strategy.indexes == (keys[1], keys[2])
    assert strategy.levels == ((name("b"),), (name("a"),))
    assert [strategy.indexes_for(level) for level in strategy.levels] == [(), (keys[1],)]


@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=4),
    st.integers(1, 2000),
    st.integers(1, 40),
    st.lists(st.integers(0, 200), min_size=1, max_size=10),
)
def test_every_block_is_handed_out_once(
    blocks: list[int], planned: int, wanted: int, found: list[int]
) -> None:
    told: list[Event] = []
    leaves = [Leaf(name(f"leaf_{number}"), count) for number, count in enumerate(blocks)]
    ranges = Ranges(name("t"), leaves, planned, wanted, told.append)
    parts: list[Range] = []
    while (part := ranges.next()) is not None:
        parts.append(part)
        ranges.done(part, found[len(parts) % len(found)])
    handed = [(part.leaf, block) for part in parts for block in range(part.first, part.end)]
    assert handed == [(leaf.name, block) for leaf in leaves for block in range(leaf.blocks)]
    assert ranges.next() is None
    rows = [event.rows for event in told if isinstance(event, Batch)]
    assert ranges.rows == sum(rows)
    assert isinstance(told[-1], Drained)
    assert (told[-1].rows, len(rows)) == (sum(rows), len(parts))


def test_ranges_grow_where_little_goes_and_shrink_where_much_does() -> None:
    def lengths(rows_of_a_block: int) -> list[int]:
        ranges = Ranges(name("t"), [Leaf(name("t"), 100_000)], 100_000, 100, lambda _: None)
        found = []
        for _ in range(8):
            part = ranges.next()
            assert part is not None
            found.append(part.end - part.first)
            ranges.done(part, rows_of_a_block * found[-1])
        return found

    assert lengths(0) == [110, 220, 440, 880, 1760, 3520, 7040, 8192]
    assert lengths(10) == [110, 55, 27, 13, 13, 13, 13, 13]
    assert lengths(1) == [110] * 8


@pytest.mark.parametrize(
    ("planned", "lengths"),
    [
        (0, [3064]),
        (20_000, [3064]),
        (22_001, [1532, 1532]),
        (40_800, [1532, 1532]),
        (50_000, [1022, 1022, 1020]),
    ],
)
def test_ranges_leave_no_small_remainder(planned: int, lengths: list[int]) -> None:
    ranges, found = Ranges(name("t"), [Leaf(name("t"), 3064)], planned, 20_000, lambda _: None), list[int]()
    while (part := ranges.next()) is not None:
        found.append(part.end - part.first)
    assert found == lengths


class Clock(threading.Event):
    """A clock that goes only as somebody waits on it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited.append(timeout)
        self.now += timeout
        return self.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    return made


NOWHERE: sa.Connection = None  # type: ignore[assignment]


def test_no_more_rows_a_second_than_were_asked_for(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "_lag_of", lambda *_: 0)
    keeper = Pace(50, 10, lambda _: None)
    for _ in range(10):
        keeper.keep(NOWHERE, 100, clock)
    assert clock.now - 1000 == pytest.approx(20)
    # What a batch took itself counts; what was not used before is not saved up.
    clock.now += 1.5
    keeper.keep(NOWHERE, 100, clock)
    clock.now += 1000
    keeper.keep(NOWHERE, 100, clock)
    assert clock.waited[-2:] == [pytest.approx(2), pytest.approx(2)]


def test_two_sessions_share_one_rate(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "_lag_of", lambda *_: 0)
    keeper, other = Pace(50, 10, lambda _: None), Clock()
    keeper.keep(NOWHERE, 100, other)
    keeper.keep(NOWHERE, 100, clock)
    assert other.waited == [pytest.approx(2)]
    assert clock.waited == [pytest.approx(4)]


def test_without_a_rate_nobody_waits(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "_lag_of", lambda *_: 0)
    Pace(None, 10, lambda _: None).keep(NOWHERE, 1_000_000, clock)
    assert clock.waited == []


def test_batches_wait_for_a_replica_and_say_so_once_in_a_while(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind, told = [15.0] * 12 + [10.0], list[Event]()
    monkeypatch.setattr(Pace, "_lag_of", lambda *_: behind.pop(0))
    Pace(None, 10, told.append).keep(NOWHERE, 1, clock)
    assert clock.waited == [1.0] * 12
    assert told == [Slowed("a replica is 15 s behind", 1.0)] * 2


def test_who_is_stopped_waits_for_no_replica(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pace, "_lag_of", lambda *_: 99)
    clock.set()
    Pace(None, 10, lambda _: None).keep(NOWHERE, 1, clock)
    assert clock.waited == []
