"""What a database has to run, and to say, once the revisions that it applied have moved."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.errors import HistoryError
from notifydb.revisions.graph import History, Revision
from notifydb.runner.plan import ends, plan_restamp


def revision(name: str, down: str | None) -> Revision:
    return Revision(name, (down,) if down else (), (), (), Path(f"{name}.py"))


def line(*names: str) -> list[Revision]:
    return [revision(name, down) for name, down in zip(names, (None, *names), strict=False)]


def branches(lengths: list[int]) -> tuple[History, History, dict[str, str]]:
    """Chains `c0_0, c0_1 ...` on `base`, the line that they become, and its names for all but the first chain."""
    chains = [[f"c{chain}_{place}" for place in range(length)] for chain, length in enumerate(lengths)]
    before = [revision("base", None)]
    for chain in chains:
        before += [revision(name, down) for name, down in zip(chain, ("base", *chain), strict=False)]
    moves = {name: f"{name}_moved" for chain in chains[1:] for name in chain}
    after = line("base", *chains[0], *(moves[name] for chain in chains[1:] for name in chain))
    return History(before), History(after), moves


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_afterwards_the_database_has_run_just_what_lies_below_its_revision(
    lengths: list[int], data: st.DataObject
) -> None:
    before, after, moves = branches(lengths)
    picked = data.draw(st.sets(st.sampled_from(list(before.revisions)), min_size=1))
    current = ends(before, {each.id for one in picked for each in before.chain(one)})
    applied = [each.id for each in before.ordered() if any(each in before.chain(one) for one in current)]
    found = plan_restamp(before, after, moves, current)
    assert (found is None) == (not moves.keys() & set(applied))
    if found is None:
        return
    for each in found.first:
        assert set(each.down_revisions) <= set(applied)
        assert each.id not in applied
        applied.append(each.id)
    assert found.rows == ends(before, applied)
    (head,) = found.becomes
    assert {moves.get(each, each) for each in applied} == {each.id for each in after.chain(head)}


def test_what_is_not_below_the_database_is_not_run() -> None:
    before, after, moves = branches([1, 1, 2])
    found = plan_restamp(before, after, moves, ("c1_0",))
    assert found is not None
    assert ([each.id for each in found.first], found.becomes) == (["c0_0"], ("c1_0_moved",))


def test_an_id_that_the_database_has_from_elsewhere_cannot_run_first() -> None:
    before = History(line("base", "twin"))
    after = History(line("base", "twin", "moved"))
    with pytest.raises(HistoryError, match="another file of that id"):
        plan_restamp(before, after, {"twin": "moved"}, ("twin",))


def test_another_parent_under_the_same_id_moves_too() -> None:
    before = History([*line("base", "ours"), revision("theirs", "base")])
    after = History(
        [*line("base", "theirs"), dataclasses.replace(before.revisions["ours"], down_revisions=("theirs",))]
    )
    found = plan_restamp(before, after, {"ours": "ours"}, ("ours",))
    assert found is not None
    assert (found.rows, found.becomes) == (("ours", "theirs"), ("ours",))


def test_the_ends_of_what_is_far_apart() -> None:
    history = History(line("a", "b", "c", "d"))
    assert ends(history, {"a", "c"}) == ("c",)
    assert ends(history, history.revisions) == ("d",)
    assert ends(history, ()) == ()
