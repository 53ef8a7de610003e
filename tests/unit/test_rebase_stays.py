"""Which branch stays: told, or by what git is in the middle of, or by the main branch."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb.errors import HistoryError
from notifydb.numbering.rebase import plan_rebase
from unit.planted import Repository, line, moved, put, rebase, two_branches

pytestmark = pytest.mark.usefixtures("quick_disk")


def test_on_main_a_feature_that_is_merged_moves(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.git("merge", "branch", fails=True)
    plan = rebase(repository.versions)
    assert (plan.why, moved(plan.line)) == ("git merge: what HEAD has stays", {"0002_x": "0003_x"})


def test_on_a_main_branch_with_commits_that_nobody_has_seen(repository: Repository) -> None:
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    repository.git("checkout", "-q", "main")
    repository.migration("0003_local", "0002_m")
    repository.git("merge", "branch", fails=True)
    assert moved(rebase(repository.versions).line) == {"0002_x": "0004_x"}


def test_pulling_main_what_others_have_seen_stays(repository: Repository) -> None:
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    repository.git("checkout", "-q", "main")
    repository.git("reset", "-q", "--hard", "main~1")
    repository.migration("0002_local", "0001_a")
    repository.git("merge", "origin/main", fails=True)
    assert moved(rebase(repository.versions).line) == {"0002_local": "0003_local"}


def test_of_two_features_the_one_that_stands_on_main_stays(repository: Repository) -> None:
    """The other is off an older main, so that it could only stay if main's moved."""
    repository.git("checkout", "-qb", "other", "main")
    repository.migration("0003_other", "0002_m")
    repository.git("merge", "branch", fails=True)
    plan = rebase(repository.versions)
    assert (plan.why, moved(plan.line)) == ("git merge: what HEAD has stays", {"0002_x": "0004_x"})


def test_a_merge_of_two_features_without_any_main(repository: Repository) -> None:
    repository.git("branch", "-m", "main", "trunk")
    repository.git("merge", "trunk", fails=True)
    plan = rebase(repository.versions)
    assert (plan.why, moved(plan.line)) == ("git merge: what MERGE_HEAD has stays", {"0002_x": "0003_x"})


@pytest.mark.parametrize("name", ["0002_m", "0002_x"])
def test_a_named_head_moves_whatever_git_would_say(repository: Repository, name: str) -> None:
    repository.git("merge", "main", fails=True)
    assert moved(rebase(repository.versions, name).line) == {name: name.replace("2", "3")}


@pytest.mark.parametrize(("name", "message"), [("0004_m", "the branch's"), ("0004_y", "main's")])
def test_a_named_head_tells_which_of_two_migrations_keeps_the_file(
    repository: Repository, name: str, message: str
) -> None:
    repository.migration("0003_add", "0002_x", message="the branch's", day=4)
    repository.migration("0004_y", "0003_add")
    repository.git("checkout", "-q", "main")
    repository.migration("0003_add", "0002_m", message="main's", day=5)
    repository.migration("0004_m", "0003_add")
    repository.git("checkout", "-q", "branch")
    repository.git("merge", "main", fails=True)
    rebase(repository.versions, name)
    files = {path.name: path.read_text() for path in repository.versions.glob("*_add.py")}
    assert message in files["0003_add.py"]
    assert sorted(files) == ["0003_add.py", "0006_add.py"]
    assert line(repository.versions)[-1] == name.replace("4", "7")


def test_onto_a_ref_in_a_merge(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.git("merge", "branch", fails=True)
    assert moved(rebase(repository.versions, onto="main").line) == {"0002_x": "0003_x"}


def test_onto_a_feature_what_main_has_stays_too(repository: Repository) -> None:
    repository.git("merge", "main", fails=True)
    with pytest.raises(HistoryError, match="0002_m and 0002_x both have to stay"):
        plan_rebase(repository.versions, onto="branch")


def test_a_stash_comes_to_what_was_committed(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    put(repository.versions, "0003_stashed", "0002_m")
    repository.head_file.write_text("0003_stashed\n")
    repository.git("stash", "--include-untracked")
    repository.migration("0003_more", "0002_m")
    repository.git("stash", "pop", fails=True)
    plan = rebase(repository.versions)
    assert plan.why == "the conflict's first side: what HEAD has stays"
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_more", "0004_stashed"]


def test_without_git_the_first_side_of_a_migration_stays(
    versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(versions.parent.parent.parent))
    put(versions, "0001_a")
    put(versions, "0002_m", "0001_a")
    put(versions, "0002_x", "0001_a")
    one = put(versions, "0003_add", "0002_x", message="one", day=4).read_bytes()
    other = put(versions, "0003_add", "0002_m", message="other", day=5).read_bytes()
    (versions / "0003_add.py").write_bytes(b"<<<<<<< a\n" + one + b"=======\n" + other + b">>>>>>> b\n")
    rebase(versions)
    assert line(versions) == ["0001_a", "0002_x", "0003_add", "0004_m", "0005_add"]
    assert (versions / "0003_add.py").read_bytes() == one


def test_a_head_that_cannot_be_read_tells_nothing(repository: Repository) -> None:
    (repository.versions / "0009_broken.py").write_text("revision = (\n")
    repository.commit()
    repository.git("merge", "main", fails=True)
    (repository.versions / "0009_broken.py").unlink()
    with pytest.raises(HistoryError, match="in the middle of a merge, and HEAD does not tell") as caught:
        plan_rebase(repository.versions)
    assert caught.value.hint == "name the head that moves: notifydb migrate rebase ID"
    assert moved(rebase(repository.versions, "0002_x").line) == {"0002_x": "0003_x"}


def test_both_on_main_is_a_choice(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.git("merge", "-q", "-X", "ours", "branch")
    with pytest.raises(HistoryError, match="0002_m and 0002_x both have to stay") as caught:
        plan_rebase(repository.versions)
    assert caught.value.hint == "say which branch moves: notifydb migrate rebase 0002_x"
    rebase(repository.versions, "0002_x")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]


def test_in_a_rebase_a_parent_that_git_does_not_know_is_missing(repository: Repository) -> None:
    repository.migration("0003_y", "0002_x")
    repository.git("rebase", "main", fails=True)
    rebase(repository.versions)
    put(repository.versions, "0009_new", "0008_gone")
    with pytest.raises(HistoryError, match="stands on '0008_gone', and no file has that revision id"):
        plan_rebase(repository.versions)


def test_more_than_two_heads_in_a_rebase(repository: Repository) -> None:
    repository.migration("0002_w", "0001_a")
    repository.git("rebase", "main", fails=True)
    rebase(repository.versions)
    repository.git("rebase", "--continue", fails=True)
    rebase(repository.versions)
    repository.git("rebase", "--continue")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x", "0004_w"]


def test_the_second_plan_of_a_named_head_has_nothing_to_move(versions: Path) -> None:
    two_branches(versions)
    rebase(versions, "0004_y")
    assert not plan_rebase(versions)
