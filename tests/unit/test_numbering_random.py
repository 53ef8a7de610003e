"""Random histories become one line, and no byte changes but their ids."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifydb.numbering.plan import plan_renumber
from notifydb.revisions import naming
from notifydb.revisions.changes import apply
from notifydb.revisions.reader import read_history
from unit.migration_sources import Ids, render
from unit.planted import line, moved
from unit.random_histories import Planted, ancestors, histories

pytestmark = pytest.mark.usefixtures("quick_disk")


quick = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(histories(), st.booleans())
def test_any_history_becomes_one_line_with_only_its_ids_changed(
    tmp_path_factory: pytest.TempPathFactory, planted: Planted, all_: bool
) -> None:
    versions = tmp_path_factory.mktemp("migrations") / "versions"
    versions.mkdir()
    planted.write(versions)
    before = {path.name: path.read_bytes() for path in versions.iterdir()}
    plan = plan_renumber(read_history(versions), keep=frozenset(planted.kept), all_=all_)
    apply(plan.changes)
    after = {path.name: path.read_bytes() for path in versions.iterdir()}

    order = line(versions)
    new_id = {own: moved(plan).get(own, own) for own in planted.ids}
    old_id = {new: own for own, new in new_id.items()}
    assert sorted(order) == sorted(old_id)
    originally = [old_id[each] for each in order]
    assert originally[: len(planted.kept)] == planted.kept
    for own in originally:
        assert all(originally.index(below) < originally.index(own) for below in ancestors(planted, own))
    assert chains_are_whole(planted, originally)

    stays = [] if all_ else planted.kept
    numbers = [naming.number_of(each) for each in stays]
    highest = max((number for number in numbers if number is not None), default=len(stays))
    for place, new in enumerate(order[len(stays) :], start=highest + 1):
        assert naming.number_of(new) == place
        assert naming.is_legal(new)
        own = old_id[new]
        position = order.index(new)
        down = (order[position - 1],) if position else ()
        depends_on = tuple(new_id[each] for each in planted.ids[own].depends_on)
        expected = render(
            planted.styles[own],
            Ids(new, down, depends_on),
            mentions=planted.ids[own],
            message=f"Say {own}",
        )
        assert after[f"{new}.py"] == expected
    for own in stays:
        assert after[f"{planted.names[own]}.py"] == before[f"{planted.names[own]}.py"]

    again = plan_renumber(
        read_history(versions), keep=frozenset(planted.kept) if not all_ else frozenset(), all_=all_
    )
    assert not again
    apply(plan.changes.undone())
    assert {path.name: path.read_bytes() for path in versions.iterdir()} == before


def chains_are_whole(planted: Planted, order: list[str]) -> bool:
    """Whether each new revision that had one follower, itself with one parent, is directly followed by it."""
    new = [own for own in order if own not in planted.kept]
    followers = {own: [each for each in new if planted.ids[each].down == (own,)] for own in new}
    return all(
        order.index(after[0]) == order.index(own) + 1 for own, after in followers.items() if len(after) == 1
    )
