"""The graph of revisions: order, ancestry, what a typed name means, and what is refused."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.errors import HistoryError
from notifydb.revisions.graph import History, Revision

SECONDS_FOR_5000 = 1.0


def revision(name: str, *down: str, depends_on: tuple[str, ...] = (), label: str = "") -> Revision:
    labels = (label,) if label else ()
    return Revision(name, down, depends_on, labels, Path("versions", f"{name}.py"))


def ids(revisions: tuple[Revision, ...]) -> list[str]:
    return [each.id for each in revisions]


def line(*names: str) -> list[Revision]:
    below: tuple[str, ...] = ()
    made = []
    for name in names:
        made.append(revision(name, *below))
        below = (name,)
    return made


@st.composite
def graphs(draw: st.DrawFn) -> list[Revision]:
    """1-60 revisions; each stands on some earlier ones, under names that tell nothing of the order."""
    count = draw(st.integers(1, 60))
    names = draw(st.permutations([f"{number:04d}_r" for number in range(count)]))
    made: list[Revision] = []
    for index, name in enumerate(names):
        below = draw(st.lists(st.sampled_from(names[:index]), max_size=2, unique=True)) if index else []
        made.append(revision(name, *below))
    return draw(st.permutations(made))


@given(graphs())
def test_order_puts_each_revision_after_its_parents(revisions: list[Revision]) -> None:
    order = ids(History(revisions).ordered())
    assert sorted(order) == sorted(each.id for each in revisions)
    for each in revisions:
        assert all(order.index(parent) < order.index(each.id) for parent in each.down_revisions)


@given(graphs(), st.randoms(use_true_random=False))
def test_order_does_not_depend_on_how_files_are_listed(
    revisions: list[Revision], shuffler: random.Random
) -> None:
    shuffled = shuffler.sample(revisions, len(revisions))
    assert History(shuffled).ordered() == History(revisions).ordered()


@given(graphs())
def test_heads_are_what_no_revision_stands_on(revisions: list[Revision]) -> None:
    stood_on = {parent for each in revisions for parent in each.down_revisions}
    assert set(History(revisions).heads) == {each.id for each in revisions} - stood_on


@given(graphs())
def test_a_chain_is_the_chains_of_the_parents_and_itself(revisions: list[Revision]) -> None:
    history = History(revisions)
    for each in revisions:
        below = {one for parent in each.down_revisions for one in ids(history.chain(parent))}
        assert set(ids(history.chain(each.id))) == below | {each.id}
        assert history.ancestors(each.id) == below


def test_branches_are_ordered_by_number_and_then_by_id() -> None:
    history = History(
        [
            revision("0001_base"),
            revision("1ab2cd34", "0001_base"),
            revision("10_z", "0001_base"),
            revision("9_b", "0001_base"),
            revision("0009_a", "0001_base"),
        ]
    )
    assert ids(history.ordered()) == ["0001_base", "0009_a", "9_b", "10_z", "1ab2cd34"]
    assert history.heads == ("0009_a", "9_b", "10_z", "1ab2cd34")
    assert history.children("0001_base") == history.heads
    assert history.bases == ("0001_base",)


def test_five_thousand_revisions_are_read_in_one_pass_without_recursion() -> None:
    revisions = line(*(f"{number:05d}_r" for number in range(5000)))
    started = time.perf_counter()
    history = History(reversed(revisions))
    assert history.head == "04999_r"
    assert len(history.chain("04999_r")) == 5000
    assert len(history.between("02500_r", "04999_r")) == 2499
    assert time.perf_counter() - started < SECONDS_FOR_5000


def test_several_heads_are_named_with_the_command_that_joins_them() -> None:
    history = History([revision("0001_a"), revision("0002_b", "0001_a"), revision("0002_c", "0001_a")])
    with pytest.raises(HistoryError, match="2 heads: 0002_b, 0002_c") as caught:
        _ = history.head
    assert caught.value.hint == "notifydb migrate rebase"


def test_an_empty_history_has_no_head_and_nothing_else() -> None:
    history = History([])
    assert (history.head, history.heads, history.bases, history.ordered()) == (None, (), (), ())
    assert history.get("head") is None


def test_a_dependency_runs_first_but_does_not_end_a_head() -> None:
    history = History(
        [
            revision("0001_a"),
            revision("0002_b", "0001_a", label="reports"),
            revision("0002_a", "0001_a", depends_on=("reports",)),
        ]
    )
    assert ids(history.chain("0002_a")) == ["0001_a", "0002_b", "0002_a"]
    assert history.heads == ("0002_b", "0002_a")


def test_between_leaves_out_the_lower_end_and_keeps_the_upper() -> None:
    history = History(line("0001_a", "0002_b", "0003_c"))
    assert ids(history.between("0001_a", "0003_c")) == ["0002_b", "0003_c"]
    assert ids(history.between(None, "0002_b")) == ["0001_a", "0002_b"]
    assert history.between("0002_b", "0002_b") == ()


def test_between_refuses_an_upper_end_that_does_not_stand_on_the_lower() -> None:
    history = History(line("0001_a", "0002_b"))
    with pytest.raises(HistoryError, match="0001_a does not stand on 0002_b"):
        history.between("0002_b", "0001_a")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("0002_b", "0002_b"),
        ("0002", "0002_b"),
        ("0003_c", "0003_c"),
        ("head", "0003_cc"),
        ("heads", "0003_cc"),
    ],
)
def test_a_name_is_an_id_its_beginning_or_the_head(name: str, meant: str) -> None:
    found = History(line("0001_a", "0002_b", "0003_c", "0003_cc")).get(name)
    assert found is not None
    assert found.id == meant


def test_base_is_the_state_before_the_first_revision() -> None:
    assert History(line("0001_a")).get("base") is None


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("0003", "could be any of 0003_c, 0003_cc"),
        ("3", "no revision '3'; nearest: 0003_c, 0003_cc"),
        ("0002_bb", "no revision '0002_bb'; nearest: 0002_b"),
        ("", "no revision ''"),
        ("zzz", "no revision 'zzz'$"),
    ],
)
def test_an_unclear_name_is_refused_with_the_nearest_candidates(name: str, message: str) -> None:
    with pytest.raises(HistoryError, match=message):
        History(line("0001_a", "0002_b", "0003_c", "0003_cc")).get(name)


@pytest.mark.parametrize("method", ["ancestors", "chain", "children"])
def test_methods_that_take_a_full_id_do_not_guess(method: str) -> None:
    with pytest.raises(HistoryError, match="no revision '0001'; nearest: 0001_a"):
        getattr(History(line("0001_a")), method)("0001")


def test_an_id_in_two_files_names_both() -> None:
    twin = Revision("0001_a", (), (), (), Path("versions", "0001_again.py"))
    with pytest.raises(HistoryError, match=r"0001_a\.py and .*0001_again\.py have the same") as caught:
        History([revision("0001_a"), twin])
    assert caught.value.hint == "notifydb migrate rebase"


def test_a_missing_parent_names_the_file_and_the_nearest_id() -> None:
    with pytest.raises(HistoryError, match=r"0002_b\.py stands on '0001_aa'.*nearest: 0001_a") as caught:
        History([revision("0001_a"), revision("0002_b", "0001_aa")])
    assert "git log --all --oneline -- '*0001_aa*'" in (caught.value.hint or "")


def test_a_missing_dependency_is_as_wrong_as_a_missing_parent() -> None:
    with pytest.raises(HistoryError, match="stands on 'gone'"):
        History([revision("0001_a", depends_on=("gone",))])


@pytest.mark.parametrize(
    ("revisions", "circle"),
    [
        ([revision("a", "a")], "a -> a"),
        (
            [revision("a", "c"), revision("b", "a"), revision("c", "b"), revision("d", "c")],
            "a -> c -> b -> a",
        ),
        ([revision("a"), revision("b", "a", depends_on=("c",)), revision("c", "b")], "b -> c -> b"),
    ],
)
def test_a_circle_is_shown_with_its_files_only(revisions: list[Revision], circle: str) -> None:
    with pytest.raises(HistoryError, match=f"goes in a circle: {circle}") as caught:
        History(revisions)
    named = {each.id for each in revisions if each.path.name in caught.value.message}
    assert named == set(circle.split(" -> "))
