"""Renumbering in git: after a merge, and on top of a ref before there is one."""

from __future__ import annotations

import pytest

from notifydb.errors import HistoryError, UsageError
from notifydb.numbering import conflict
from notifydb.numbering.conflict import Operation
from notifydb.numbering.plan import plan_renumber
from notifydb.revisions.changes import apply
from notifydb.revisions.reader import read_revision, read_revisions
from unit.planted import Repository, line, moved, put

pytestmark = pytest.mark.usefixtures("quick_disk")


def test_after_a_merge_git_tells_which_branch_moves(repository: Repository) -> None:
    repository.git("merge", "main", fails=True)
    assert conflict.in_progress(repository.versions) is Operation.MERGE
    on_main = repository.on_main()
    plan = plan_renumber(read_revisions(repository.versions), keep=on_main.ids, kept_files=on_main.files)
    assert moved(plan) == {"0002_x": "0003_x"}
    apply(plan.changes)
    repository.commit()
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]
    assert repository.git("show", "HEAD:migrations/.current-alembic-head") == "0003_x\n"
    assert conflict.in_progress(repository.versions) is None


def test_a_branch_moves_onto_main_before_there_is_a_conflict(repository: Repository) -> None:
    on_main = repository.on_main()
    plan = plan_renumber(read_revisions(repository.versions), keep=on_main.ids, onto=on_main.revisions)
    assert moved(plan) == {"0002_x": "0003_x"}
    assert (plan.moves[0].new_down, plan.absent, plan.head) == ("0002_m", "0002_m", "0003_x")
    apply(plan.changes)
    repository.commit()
    repository.git("merge", "-X", "ours", "-q", "main")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]
    on_main = repository.on_main()
    assert not plan_renumber(read_revisions(repository.versions), keep=on_main.ids, onto=on_main.revisions)


def test_onto_does_not_number_what_is_not_here(repository: Repository) -> None:
    with pytest.raises(UsageError, match="not here"):
        plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions, all_=True)


def test_onto_keeps_clear_of_a_file_name_on_the_other_branch(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.git("mv", "migrations/versions/0002_odd_name.py", "migrations/versions/0003_x.py")
    repository.commit()
    repository.git("checkout", "-q", "branch")
    with pytest.raises(HistoryError, match=r"would become 0003_x\.py, which is another file"):
        plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions)


def test_a_file_renamed_on_the_branch_is_no_twin_of_the_one_on_main(repository: Repository) -> None:
    repository.git("mv", "migrations/versions/0001_a.py", "migrations/versions/0001_first.py")
    plan = plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions)
    assert moved(plan) == {"0002_x": "0003_x"}


def test_the_same_id_on_main_and_on_the_branch_is_two_revisions(repository: Repository) -> None:
    put(repository.versions, "0002_m", "0001_a", name="0002_mine", message="mine")
    (repository.versions / "0002_x.py").unlink()
    plan = plan_renumber(read_revisions(repository.versions), onto=repository.on_main().revisions)
    assert [(each.old_path.name, each.new_id) for each in plan.moves] == [("0002_mine.py", "0003_m")]
    assert plan.ambiguous == {"0002_m"}


def test_two_teams_that_made_the_same_file_are_told_apart_by_the_date(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    path = put(repository.versions, "0003_add", "0002_m", message="main's")
    repository.commit()
    repository.git("checkout", "-q", "branch")
    put(repository.versions, "0003_add", "0002_x", message="the branch's")
    path.write_bytes(path.read_bytes().replace(b"Date: 2024-01-02", b"Date: 2024-01-03"))
    put(repository.versions, "0004_y", "0003_add")
    repository.commit()
    on_main = repository.on_main()
    plan = plan_renumber(
        read_revisions(repository.versions),
        keep=on_main.ids,
        kept_files=on_main.files,
        onto=on_main.revisions,
    )
    assert [(each.old_id, each.new_id, each.new_down) for each in plan.moves] == [
        ("0002_x", "0004_x", "0003_add"),
        ("0003_add", "0005_add", "0004_x"),
        ("0004_y", "0006_y", "0005_add"),
    ]
    assert plan.ambiguous == {"0003_add"}
    apply(plan.changes)
    repository.commit()
    repository.git("merge", "-q", "-X", "ours", "main")
    assert line(repository.versions)[2:] == ["0003_add", "0004_x", "0005_add", "0006_y"]
    assert read_revision(repository.versions / "0003_add.py").message == "main's"
    assert read_revision(repository.versions / "0005_add.py").message == "the branch's"
