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
