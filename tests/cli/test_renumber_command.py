"""`migrate renumber`: what it moves, what it says, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject

Git = Callable[..., str]


def names(small: SmallProject) -> list[str]:
    return sorted(path.stem for path in small.project.versions.glob("*.py"))


@pytest.fixture
def branches(small_project: SmallProject, git: Git) -> SmallProject:
    """A feature branch with 0002_ours, into which main with 0002_theirs was merged."""
    small_project.add("0001_users", "pass")
    git("add", ".")
    git("commit", "-m", "one")
    git("switch", "-c", "feature")
    small_project.add("0002_ours", "pass", down="0001_users")
    git("add", ".")
    git("commit", "-m", "ours")
    git("switch", "main")
    small_project.add("0002_theirs", "pass", down="0001_users")
    git("add", ".")
    git("commit", "-m", "theirs")
    git("switch", "feature")
    git("merge", "main")
    return small_project


def test_two_branches_become_one_line(small_project: SmallProject, notifydb: Notifydb) -> None:
    small_project.add("0001_users", "pass")
    small_project.add("0002_ours", "pass", down="0001_users")
    theirs = small_project.add("0002_theirs", 'name = "0002_theirs"  # 0002_theirs', down="0001_users")
    before = theirs.read_text()
    assert str(notifydb("migrate", "renumber")) == snapshot("""\
exit 2
[err]
error: nothing tells which branch stays: 0002_ours, 0002_theirs
  next: say which one moves: notifydb migrate rebase 0002_theirs
""")
    check = notifydb("migrate", "renumber", "--check", "--keep", "0002_ours")
    assert (check.code, theirs.exists()) == (1, True)
    assert str(notifydb("migrate", "renumber", "--keep", "0002_ours")) == snapshot("""\
exit 0
[out]
0002_theirs -> 0003_theirs (on 0002_ours): stands on 0002_ours now
[err]
one line up to 0003_theirs
git's index is as it was: not a git repository (or any of the parent directories): .git
a database that applied what moved follows with: notifydb migrate renumber --restamp
""")
    assert str(notifydb("heads")) == snapshot("exit 0\n[out]\n0003_theirs\n")
    assert (small_project.project.versions.parent / ".current-alembic-head").read_text() == "0003_theirs\n"
    after = (small_project.project.versions / "0003_theirs.py").read_text()
    assert 'name = "0002_theirs"  # 0002_theirs' in after
    assert after != before
    assert str(notifydb("migrate", "renumber", "--check")) == snapshot(
        "exit 0\n[err]\nnothing to do: one line up to 0003_theirs\n"
    )


def test_the_main_branch_keeps_its_ids_and_git_follows(
    branches: SmallProject, notifydb: Notifydb, git: Git
) -> None:
    assert str(notifydb("migrate", "renumber")) == snapshot("""\
exit 0
[out]
0002_ours -> 0003_ours (on 0002_theirs): stands on 0002_theirs now
[err]
one line up to 0003_ours
git's index has followed: git status
a database that applied what moved follows with: notifydb migrate renumber --restamp
""")
    assert notifydb("heads").out == "0003_ours\n"
    assert git("status", "--porcelain") == snapshot("""\
A  alembic/.current-alembic-head
R  alembic/versions/0002_ours.py -> alembic/versions/0003_ours.py
""")


def test_edits_that_are_not_committed_move_only_when_told(
    branches: SmallProject, notifydb: Notifydb, git: Git
) -> None:
    ours = branches.project.versions / "0002_ours.py"
    ours.write_text(ours.read_text() + "# edited\n")
    assert notifydb("migrate", "renumber", "--dry-run").code == 0
    assert str(notifydb("migrate", "renumber")) == snapshot("""\
exit 2
[err]
error: edits that are not committed would move along: 0002_ours.py
  next: commit or stash them, or move them as they are: --edited
""")
    assert ours.exists()
    assert notifydb("migrate", "renumber", "--edited").code == 0
    assert (branches.project.versions / "0003_ours.py").read_text().endswith("# edited\n")
    branches.add("0005_not_committed", "pass", down="0003_ours")
    assert notifydb("migrate", "renumber").code == 0
    assert names(branches)[-1] == "0004_not_committed"


def test_json(branches: SmallProject, notifydb: Notifydb) -> None:
    planned = notifydb("migrate", "renumber", "--check", "--format", "json")
    assert matches_schema("migrate-renumber", planned.json)
    assert (planned.code, planned.json["moved"], planned.json["staged"]) == (1, False, False)
    done = notifydb("migrate", "renumber", "--format", "json")
    assert matches_schema("migrate-renumber", done.json)
    assert (done.code, done.json["moved"], done.json["staged"]) == (0, True, True)
    assert notifydb("migrate", "renumber", "--format", "json").json["moves"] == []


def test_from_and_width(small_project: SmallProject, notifydb: Notifydb) -> None:
    for name in ("0001_a", "0410_b", "0415_c", "0417_d"):
        small_project.add(name, "pass")
    refused = notifydb("migrate", "renumber", "--all", "--from", "0500")
    assert str(refused) == snapshot("""\
exit 2
[err]
error: no revision is numbered 500 or above, so there is nothing to number anew
  next: notifydb migrate renumber --all numbers every one, from 1
""")
    assert notifydb("migrate", "renumber", "--all", "--from", "0412", "--width", "5").code == 0
    assert names(small_project) == ["0001_a", "00412_c", "00413_d", "0410_b"]
    assert notifydb("migrate", "renumber", "--all").code == 0
    assert names(small_project) == ["0001_a", "0002_b", "0003_c", "0004_d"]
    assert notifydb("migrate", "renumber", "--width", "7").code == 2


def test_no_head_file_where_the_setting_is_empty(small_project: SmallProject, notifydb: Notifydb) -> None:
    small_project.add("0002_a", "pass")
    (small_project.project.root / "notifydb.toml").write_text('head_file = ""\n')
    assert notifydb("migrate", "renumber", "--all").code == 0
    assert not (small_project.project.versions.parent / ".current-alembic-head").exists()
