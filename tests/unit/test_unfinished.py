"""The commands that go on with a migration that was left half done."""

from __future__ import annotations

import pytest

from conftest import SmallProject
from notifydb.revisions.reader import read_history
from notifydb.runner.unfinished import done_by_hand, goes_on


@pytest.mark.parametrize(
    ("operation", "revision", "rest", "stamp"),
    [
        ("upgrade", "0002_two", "upgrade", "0002_two"),
        ("downgrade", "0002_two", "downgrade 0001_one", "0001_one"),
        ("downgrade", "0001_one", "downgrade base", "base"),
        ("downgrade", "0009_gone", "downgrade -1", "REVISION"),
    ],
)
def test_what_goes_on_with_a_half_done_migration_is_a_whole_command(
    operation: str, revision: str, rest: str, stamp: str, small_project: SmallProject
) -> None:
    small_project.add_all({"0001_one": "pass", "0002_two": "pass"})
    history = read_history(small_project.project.versions)
    assert goes_on(history, operation, revision) == f"notifydb {rest}"
    assert done_by_hand(history, operation, revision) == f"notifydb stamp {stamp}"


def test_below_a_merge_there_are_several_again(small_project: SmallProject) -> None:
    small_project.add_all(
        {"0001_one": "pass", "0002_left": "pass", "0003_right": "pass", "0004_merge": "pass"}
    )
    for name, below in (("0003_right", '"0001_one"'), ("0004_merge", '("0002_left", "0003_right")')):
        path = small_project.project.versions / f"{name}.py"
        lines = path.read_text().splitlines()
        path.write_text(
            "\n".join(f"down_revision = {below}" if x.startswith("down_revision") else x for x in lines)
        )
    history = read_history(small_project.project.versions)
    assert goes_on(history, "downgrade", "0004_merge") == "notifydb downgrade 0002_left"
    assert done_by_hand(history, "downgrade", "0004_merge") == (
        "DELETE FROM alembic_version WHERE version_num = '0004_merge'; "
        "INSERT INTO alembic_version (version_num) VALUES ('0002_left'), ('0003_right');"
    )
