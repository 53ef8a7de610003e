"""Migrations with conflict markers: one that only stands elsewhere, two under one name, one changed twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb.errors import HistoryError
from notifydb.numbering import folder
from notifydb.numbering.rebase import plan_rebase
from notifydb.revisions.reader import read_history, read_revision
from notifydb.revisions.rewrite import rewrite
from unit.planted import Repository, line, moved, put, rebase

pytestmark = pytest.mark.usefixtures("quick_disk")

STYLES = ["merge", "diff3", "zdiff3"]


@pytest.fixture
def both(repository: Repository) -> Repository:
    """Both branches have made 0003_add, on 0002_x and on 0002_m; the branch has 0004_y on top."""
    repository.migration("0003_add", "0002_x", message="the branch's", day=4)
    repository.migration("0004_y", "0003_add")
    repository.git("checkout", "-q", "main")
    repository.migration("0003_add", "0002_m", message="main's", day=5)
    repository.git("checkout", "-q", "branch")
    return repository


@pytest.mark.parametrize("style", STYLES)
def test_two_migrations_under_one_name_become_two_files(both: Repository, style: str) -> None:
    ours = (both.versions / "0003_add.py").read_bytes()
    theirs = both.git("show", "main:migrations/versions/0003_add.py").encode()
    both.git("-c", f"merge.conflictStyle={style}", "merge", "main", fails=True)
    plan = rebase(both.versions)
    assert moved(plan.line) == {"0002_x": "0004_x", "0003_add": "0005_add", "0004_y": "0006_y"}
    assert plan.notes == ("0003_add.py is two migrations, and one of them gets a file of its own",)
    assert {each.old_path.name for each in plan.line.moves} == {"0002_x.py", "0003_add.py", "0004_y.py"}
    assert plan.line.renamed == {"0002_x": "0004_x", "0004_y": "0006_y"}
    assert plan.line.ambiguous == {"0003_add"}
    assert line(both.versions) == ["0001_a", "0002_m", "0003_add", "0004_x", "0005_add", "0006_y"]
    assert (both.versions / "0003_add.py").read_bytes() == theirs
    expected = ours.replace(b'revision = "0003_add"', b'revision = "0005_add"', 1)
    expected = expected.replace(b'down_revision = "0002_x"', b'down_revision = "0004_x"', 1)
    expected = expected.replace(
        b"Revision ID: 0003_add\nRevises: 0002_x", b"Revision ID: 0005_add\nRevises: 0004_x", 1
    )
    assert (both.versions / "0005_add.py").read_bytes() == expected
    assert both.git("diff", "--name-only") == ""
    both.git("commit", "-qm", "merged")
    assert both.git("status", "--porcelain") == ""


def test_in_a_rebase_the_file_of_the_commit_that_comes_moves(both: Repository) -> None:
    both.git("rebase", "main", fails=True)
    for number in (4, 5, 6):
        rebase(both.versions)
        both.git("rebase", "--continue", fails=number < 6)
    assert line(both.versions) == ["0001_a", "0002_m", "0003_add", "0004_x", "0005_add", "0006_y"]
    assert read_revision(both.versions / "0003_add.py").message == "main's"
    assert read_revision(both.versions / "0005_add.py").message == "the branch's"


def test_the_plan_is_shown_as_a_diff_that_git_applies(both: Repository) -> None:
    both.git("merge", "main", fails=True)
    plan = plan_rebase(both.versions)
    diff = both.root / "diff"
    diff.write_text(str(plan.line.changes))
    both.git("apply", "--directory=migrations", str(diff))
    assert line(both.versions)[-1] == "0006_y"
    assert both.head_file.read_bytes() == b"0006_y\n"


@pytest.mark.parametrize("style", STYLES)
def test_one_migration_that_stands_elsewhere_is_resolved_to_the_side_that_stays(
    repository: Repository, style: str
) -> None:
    """The branch was put on top of main by hand, and main moved on with a hotfix: both sides have both."""
    repository.git("checkout", "-q", "main")
    repository.git("checkout", "branch", "--", "migrations/versions/0002_x.py")
    path = repository.versions / "0002_x.py"
    path.write_bytes(path.read_bytes().replace(b'down_revision = "0001_a"', b'down_revision = "0002_m"'))
    path.write_bytes(path.read_bytes().replace(b"Revises: 0001_a", b"Revises: 0002_m"))
    repository.commit("the branch, squashed, by hand")
    on_main = path.read_bytes()
    repository.git("checkout", "-q", "branch")
    repository.migration("0003_y", "0002_x")
    repository.git("-c", f"merge.conflictStyle={style}", "merge", "main", fails=True)
    plan = rebase(repository.versions)
    assert plan.notes == ("0002_x.py is one migration, and the conflict only about its place",)
    assert line(repository.versions) == ["0001_a", "0002_m", "0002_x", "0003_y"]
    assert path.read_bytes() == on_main
    assert repository.git("diff", "--name-only") == ""


def changed_on_both(repository: Repository) -> None:
    for branch, text in (("main", b"lock_timeout = 1\n"), ("branch", b"lock_timeout = 2\n")):
        repository.git("checkout", "-q", branch)
        path = repository.versions / "0001_a.py"
        path.write_bytes(path.read_bytes() + text)
        repository.commit()


def test_one_migration_whose_body_both_changed_is_refused_with_its_lines(repository: Repository) -> None:
    changed_on_both(repository)
    repository.git("merge", "main", fails=True)
    before = (repository.versions / "0001_a.py").read_bytes()
    marks = [at for at, each in enumerate(before.split(b"\n"), 1) if each[:7] in (b"<" * 7, b">" * 7)]
    with pytest.raises(
        HistoryError, match=rf"0001_a\.py, lines {marks[0]}-{marks[1]}: both branches"
    ) as caught:
        plan_rebase(repository.versions)
    assert "by hand" in (caught.value.hint or "")
    resolved = (
        before.replace(b"<<<<<<< HEAD\n", b"").replace(b"=======\n", b"").replace(b">>>>>>> main\n", b"")
    )
    (repository.versions / "0001_a.py").write_bytes(resolved)
    rebase(repository.versions)
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]
    assert (repository.versions / "0001_a.py").read_bytes() == resolved


def test_only_the_hunks_about_what_it_does_are_named(versions: Path) -> None:
    path = put(versions, "0001_a")
    text = path.read_text().replace(
        'revision = "0001_a"', '<<<<<<< HEAD\nrevision = "0001_a"\n=======\nrevision = "0001_b"\n>>>>>>> x', 1
    )
    end = text.count("\n")
    path.write_text(text + "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> x\n")
    with pytest.raises(HistoryError, match=rf"0001_a\.py, lines {end + 1}-{end + 5}: both branches"):
        folder.resolve(folder.read_files(versions), second=False, added=frozenset())


def test_without_a_date_git_tells_that_both_made_the_file(repository: Repository) -> None:
    for branch, down in (("branch", "0002_x"), ("main", "0002_m")):
        repository.git("checkout", "-q", branch)
        (repository.versions / "0003_add.py").write_text(
            f'revision = "0003_add"\ndown_revision = "{down}"\ndef upgrade(): "on {branch}"\n'
        )
        repository.commit()
    repository.git("checkout", "-q", "branch")
    repository.git("merge", "main", fails=True)
    rebase(repository.versions)
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_add", "0004_x", "0005_add"]
    assert '"on branch"' in (repository.versions / "0005_add.py").read_text()


def test_markers_inside_of_a_docstring_are_seen_though_python_does_not_mind(repository: Repository) -> None:
    path = repository.versions / "0001_a.py"
    for branch in ("main", "branch"):
        repository.git("checkout", "-q", branch)
        path.write_bytes(
            path.read_bytes().replace(b"Create Date: 2024-01-02", f"Create Date: {branch}".encode())
        )
        repository.commit()
    repository.git("merge", "main", fails=True)
    assert b"<<<<<<<" in path.read_bytes()
    assert read_history(repository.versions)
    rebase(repository.versions)
    assert b"<<<<<<<" not in path.read_bytes()
    assert read_revision(path).created == "main 03:04:05"


def test_a_copy_of_a_migration_that_stays_is_no_new_one(repository: Repository) -> None:
    """The feature was merged to main under another number, and is still here under the old one."""
    path = repository.versions / "0002_x.py"
    source = rewrite(path.read_bytes(), {"0002_x": "0003_x"}, path=path, parents={"0001_a": "0002_m"})
    repository.git("checkout", "-q", "main")
    (repository.versions / "0003_x.py").write_bytes(source)
    repository.commit()
    repository.git("checkout", "-q", "branch")
    repository.git("merge", "-X", "ours", "main")
    with pytest.raises(
        HistoryError, match=r"0002_x\.py is the same migration as 0003_x\.py, which stays"
    ) as caught:
        plan_rebase(repository.versions)
    assert caught.value.hint == f"git rm {path}, and run this again"


def test_a_migration_that_was_renumbered_on_both_sides_is_named(repository: Repository) -> None:
    """The branch was put on top of main once, by a commit, and is now rebased onto a main that moved on."""
    rebase(repository.versions, onto="main")
    repository.commit("renumbered")
    repository.git("checkout", "-q", "main")
    repository.migration("0003_n", "0002_m")
    repository.git("checkout", "-q", "branch")
    repository.git("rebase", "main", fails=True)
    rebase(repository.versions)
    repository.git("rebase", "--continue", fails=True)
    with pytest.raises(HistoryError, match="both branches gave this migration another name") as caught:
        plan_rebase(repository.versions)
    assert (caught.value.hint or "").startswith("git rebase --skip, if the commit only renumbers")
    repository.git("rebase", "--skip")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_n", "0004_x"]


def test_a_helper_in_conflict_is_not_ours(repository: Repository) -> None:
    repository.git("checkout", "-q", "branch")
    (repository.versions / "helper.py").write_text("x = 2\n")
    repository.commit()
    repository.git("merge", "main", fails=True)
    with pytest.raises(HistoryError, match=r"helper\.py is in conflict and no migration"):
        plan_rebase(repository.versions)


def test_a_line_end_or_a_comment_is_not_dropped_unseen(versions: Path) -> None:
    """CRLF on one side is no difference in what it does; a comment is one."""
    plain = put(versions, "0001_a").read_bytes()
    for other, alike in ((plain.replace(b"\n", b"\r\n"), True), (plain + b"# mind the locks\n", False)):
        content = b"<<<<<<< HEAD\n" + plain + b"=======\n" + other + b">>>>>>> x\n"
        (versions / "0001_a.py").write_bytes(content)
        files = folder.read_files(versions)
        if alike:
            assert len(folder.resolve(files, second=True, added=frozenset()).revisions) == 1
        else:
            with pytest.raises(HistoryError, match="both branches changed what this migration does"):
                folder.resolve(files, second=True, added=frozenset())
