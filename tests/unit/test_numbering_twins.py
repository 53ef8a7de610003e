"""Two branches that made the same id: the new file moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb.errors import HistoryError
from notifydb.numbering.plan import plan_renumber
from notifydb.revisions.reader import read_revision, read_revisions
from unit.planted import carry_out, put

pytestmark = pytest.mark.usefixtures("quick_disk")


def twins(versions: Path) -> None:
    """Both branches made 0002_add; on each something stands on it."""
    put(versions, "0001_a")
    put(versions, "0002_add", "0001_a", message="main's")
    put(versions, "0003_m", "0002_add")
    put(versions, "0002_add", "0001_a", name="0002_add_too", message="the branch's")
    put(versions, "0003_x", "0002_add")


MAIN_FILES = frozenset({"0001_a.py", "0002_add.py", "0003_m.py"})


MAIN_IDS = frozenset({"0001_a", "0002_add", "0003_m"})


def test_of_two_files_with_one_id_the_new_one_and_its_branch_move(versions: Path) -> None:
    twins(versions)
    plan = plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=MAIN_FILES)
    assert [(each.old_path.name, each.new_id, each.new_down) for each in plan.moves] == [
        ("0002_add_too.py", "0004_add", "0003_m"),
        ("0003_x.py", "0005_x", "0004_add"),
    ]
    assert "0002_add.py has the same id and stays" in plan.moves[0].reason
    assert plan.renamed == {"0003_x": "0005_x"}
    assert plan.ambiguous == {"0002_add"}
    after = carry_out(plan, versions, keep=MAIN_IDS, kept_files=MAIN_FILES)
    assert after == ["0001_a", "0002_add", "0003_m", "0004_add", "0005_x"]
    assert read_revision(versions / "0002_add.py").message == "main's"
    assert read_revision(versions / "0004_add.py").message == "the branch's"


@pytest.mark.parametrize(
    ("kept_files", "why"),
    [
        (frozenset[str](), "git does not tell which of them is new"),
        (MAIN_FILES | {"0002_add_too.py"}, "both are on the main branch"),
    ],
)
def test_twins_that_cannot_be_told_apart_are_refused(
    versions: Path, kept_files: frozenset[str], why: str
) -> None:
    twins(versions)
    with pytest.raises(HistoryError, match=rf"0002_add\.py and .*0002_add_too\.py .*{why}"):
        plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=kept_files)


def test_a_branch_on_one_of_two_new_twins_is_refused(versions: Path) -> None:
    twins(versions)
    put(versions, "0002_add", "0001_a", name="0002_add_three")
    with pytest.raises(HistoryError, match=r"0003_x\.py stands on '0002_add', which is 0002_add_three"):
        plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=MAIN_FILES)
    (versions / "0003_x.py").unlink()
    plan = plan_renumber(read_revisions(versions), keep=MAIN_IDS, kept_files=MAIN_FILES)
    assert [each.new_path.name for each in plan.moves] == ["0004_add.py", "0005_add.py"]
