"""The commands that go on with a migration that was left half done."""

from __future__ import annotations

import pytest

from conftest import SmallProject
from notifydb.revisions.graph import History
from notifydb.revisions.reader import read_history
from notifydb.runner.plan import plan_downgrade
from notifydb.runner.unfinished import done_by_hand, goes_on


@pytest.mark.parametrize(
    ("operation", "revision", "current", "rest", "stamp"),
    [
        ("upgrade", "0002_two", "0001_one", "upgrade", "0002_two"),
        ("downgrade", "0002_two", "0002_two", "downgrade 0001_one", "0001_one"),
        ("downgrade", "0001_one", "0001_one", "downgrade base", "base"),
        ("downgrade", "0009_gone", "0009_gone", "downgrade -1", "REVISION"),
    ],
)
def test_what_goes_on_with_a_half_done_migration_is_a_whole_command(
    operation: str, revision: str, current: str, rest: str, stamp: str, small_project: SmallProject
) -> None:
    small_project.add_all({"0001_one": "pass", "0002_two": "pass"})
    history = read_history(small_project.project.versions)
    about = history, operation, revision, (current,)
    assert goes_on(*about) == f"notifydb {rest}"
    assert done_by_hand(*about) == f"notifydb stamp {stamp}"


@pytest.fixture
def forked(small_project: SmallProject) -> History:
    """`0001_one`, on it `0002_left` and `0003_right`, and `0004_merge` that merges them."""
    small_project.add_all(
        {"0001_one": "pass", "0002_left": "pass", "0003_right": "pass", "0004_merge": "pass"}
    )
    for name, below in (("0003_right", '"0001_one"'), ("0004_merge", '("0002_left", "0003_right")')):
        path = small_project.project.versions / f"{name}.py"
        lines = path.read_text().splitlines()
        path.write_text(
            "\n".join(f"down_revision = {below}" if x.startswith("down_revision") else x for x in lines)
        )
    return read_history(small_project.project.versions)


def test_below_a_merge_there_are_several_again(forked: History) -> None:
    about = forked, "downgrade", "0004_merge", ("0004_merge",)
    assert goes_on(*about) == "notifydb downgrade 0002_left"
    assert done_by_hand(*about) == (
        "DELETE FROM alembic_version WHERE version_num = '0004_merge'; "
        "INSERT INTO alembic_version (version_num) VALUES ('0002_left'), ('0003_right'); "
        "DELETE FROM notifydb.history WHERE outcome = 'partial' AND operation = 'downgrade' "
        "AND revision = '0004_merge';"
    )


def test_what_goes_on_with_a_branch_leaves_the_one_beside_it(forked: History) -> None:
    """`downgrade 0001_one` takes both back, and a stamp forgets one."""
    about = forked, "downgrade", "0003_right", ("0002_left", "0003_right")
    assert goes_on(*about) == "notifydb downgrade -1"
    assert plan_downgrade(forked, about[-1], "-1").ids == ("0003_right",)
    assert done_by_hand(*about) == "notifydb stamp 0002_left"
    assert goes_on(forked, "downgrade", "0002_left", ("0002_left",)) == "notifydb downgrade 0001_one"


def test_what_is_done_by_hand_beside_another_branch_leaves_its_row(forked: History) -> None:
    assert done_by_hand(forked, "upgrade", "0003_right", ("0002_left",)) == (
        "INSERT INTO alembic_version (version_num) VALUES ('0003_right'); "
        "DELETE FROM notifydb.history WHERE outcome = 'partial' AND operation = 'upgrade' "
        "AND revision = '0003_right';"
    )
    assert done_by_hand(forked, "upgrade", "0004_merge", ("0002_left", "0003_right")) == (
        "notifydb stamp 0004_merge"
    )
