"""The head file in git: two new migrations conflict, and the driver merges what stands on each other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb
from conftest import SmallProject

HEAD = "alembic/.current-alembic-head"


class Team:
    """A repository whose migrations write the head file, and the git to work in it."""

    def __init__(self, project: SmallProject, git: Callable[..., str]) -> None:
        self.project = project
        self.root = project.project.root
        self.git = git

    @property
    def head_file(self) -> str:
        return (self.root / HEAD).read_text()

    def add(self, revision: str, down: str | None = None, *, message: str = "", **files: str) -> None:
        """Commits a migration with the head file that names it, and other files."""
        self.project.add(revision, "pass", down=down)
        (self.root / HEAD).write_text(f"{revision}\n")
        for name, text in files.items():
            (self.root / name).write_text(text)
        self.commit(message or revision)

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def unmerged(self) -> list[str]:
        return self.git("diff", "--name-only", "--diff-filter=U").splitlines()


@pytest.fixture
def team(small_project: SmallProject, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Team:
    """Main has 0001_users; git finds notifydb as a shell does."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    made = Team(small_project, git)
    made.add("0001_users")
    return made


@pytest.fixture
def with_driver(team: Team, notifydb: Notifydb) -> Team:
    assert notifydb("git", "install").code == 0
    team.commit("the merge driver")
    return team


def two_migrations(team: Team) -> None:
    """Main and feature each add a migration on top of 0001_users; main is checked out."""
    team.git("switch", "-qc", "feature")
    team.add("0002_theirs", "0001_users")
    team.git("switch", "-q", "main")
    team.add("0002_ours", "0001_users")


def stacked(team: Team) -> None:
    """Feature has two migrations; main has the first by a squash and is checked out: no common commit tells."""
    team.git("switch", "-qc", "feature")
    team.add("0002_name", "0001_users")
    team.add("0003_mail", "0002_name")
    team.git("switch", "-q", "main")
    team.add("0002_name", "0001_users", message="squashed")


MARKERS = """\
<<<<<<< HEAD
0002_ours
=======
0002_theirs
>>>>>>> {label}
"""


def test_without_the_driver_two_migrations_are_a_conflict(team: Team) -> None:
    two_migrations(team)
    team.git("merge", "feature", fails=True)
    assert team.unmerged() == [HEAD]
    assert team.head_file == MARKERS.format(label="feature")


def test_without_the_file_two_migrations_merge_to_two_heads(team: Team, notifydb: Notifydb) -> None:
    """What the file is for."""
    team.git("rm", "-q", HEAD)
    team.commit("without the head file")
    for branch, revision in (("feature", "0002_theirs"), ("main", "0002_ours")):
        team.git("switch", "-qC", branch, "main")
        team.project.add(revision, "pass", down="0001_users")
        team.commit(revision)
        team.git("branch", "-f", revision)
        team.git("reset", "-q", "--hard", "HEAD~")
    team.git("merge", "-q", "--no-edit", "0002_theirs")
    team.git("merge", "-q", "--no-edit", "0002_ours")
    assert notifydb("heads").out == "0002_ours\n0002_theirs\n"


def test_without_the_driver_a_branch_that_contains_the_other_merges_clean(team: Team) -> None:
    team.git("switch", "-qc", "feature")
    team.add("0002_name", "0001_users")
    team.git("switch", "-q", "main")
    (team.root / "README").write_text("main went on\n")
    team.commit("no migration")
    team.git("merge", "-q", "--no-edit", "feature")
    assert team.head_file == "0002_name\n"


def test_merge_of_two_migrations_is_a_conflict_with_both(with_driver: Team) -> None:
    two_migrations(with_driver)
    with_driver.git("merge", "feature", fails=True)
    assert with_driver.unmerged() == [HEAD]
    assert with_driver.head_file == MARKERS.format(label="feature")


@pytest.mark.parametrize("command", [("rebase", "main"), ("rebase", "--merge", "main")])
def test_rebase_of_two_migrations_is_a_conflict_with_both(
    with_driver: Team, command: tuple[str, ...]
) -> None:
    two_migrations(with_driver)
    with_driver.git("switch", "-q", "feature")
    with_driver.git(*command, fails=True)
    assert with_driver.unmerged() == [HEAD]
    assert [line[:8].strip() for line in with_driver.head_file.splitlines()] == [
        "<<<<<<<", "0002_our", "=======", "0002_the", ">>>>>>>",
    ]  # fmt: skip


def test_cherry_pick_of_a_second_migration_is_a_conflict_with_both(with_driver: Team) -> None:
    two_migrations(with_driver)
    with_driver.git("cherry-pick", "feature", fails=True)
    assert with_driver.unmerged() == [HEAD]
    assert "0002_ours\n=======\n0002_theirs\n" in with_driver.head_file


def test_without_the_driver_a_stacked_branch_conflicts_after_a_squash(team: Team) -> None:
    stacked(team)
    team.git("merge", "feature", fails=True)


def test_merge_of_what_stands_on_ours_takes_theirs(with_driver: Team) -> None:
    stacked(with_driver)
    with_driver.git("merge", "-q", "--no-edit", "feature")
    assert with_driver.head_file == "0003_mail\n"
    assert with_driver.git("status", "--short") == ""


def test_merge_of_what_ours_stands_on_keeps_ours(with_driver: Team) -> None:
    stacked(with_driver)
    with_driver.git("switch", "-q", "feature")
    with_driver.git("merge", "-q", "--no-edit", "main")
    assert with_driver.head_file == "0003_mail\n"


def squashed_further(team: Team) -> None:
    """Main has feature's migration and another on top; feature's commit has more than its migration."""
    team.git("switch", "-qc", "feature")
    team.add("0002_name", "0001_users", models="name\n")
    team.git("switch", "-q", "main")
    team.add("0002_name", "0001_users", message="squashed")
    team.add("0003_mail", "0002_name")


def test_rebase_onto_what_has_the_migration_keeps_the_head(with_driver: Team) -> None:
    squashed_further(with_driver)
    with_driver.git("switch", "-q", "feature")
    with_driver.git("rebase", "-q", "main")
    assert (with_driver.head_file, (with_driver.root / "models").exists()) == ("0003_mail\n", True)


def test_cherry_pick_of_what_is_there_keeps_the_head(with_driver: Team) -> None:
    squashed_further(with_driver)
    with_driver.git("cherry-pick", "feature")
    assert (with_driver.head_file, (with_driver.root / "models").exists()) == ("0003_mail\n", True)


def test_a_side_that_took_a_migration_away_is_a_conflict(with_driver: Team) -> None:
    """Its head stands below ours, and yet the merged folder has a migration on top of nothing."""
    with_driver.add("0002_name", "0001_users")
    with_driver.git("switch", "-qc", "feature")
    with_driver.git("revert", "--no-edit", "HEAD")
    with_driver.git("switch", "-q", "main")
    with_driver.add("0003_mail", "0002_name")
    with_driver.git("merge", "feature", fails=True)
    assert with_driver.unmerged() == [HEAD]
    with_driver.git("merge", "--abort")
    with_driver.git("revert", "HEAD~", fails=True)
    assert with_driver.unmerged() == [HEAD]


def test_a_criss_cross_merge_is_merged_by_the_two_branches_alone(with_driver: Team) -> None:
    stacked(with_driver)
    with_driver.git("branch", "main-before", "main")
    with_driver.git("merge", "-q", "--no-edit", "feature")
    with_driver.git("switch", "-q", "feature")
    with_driver.git("merge", "-q", "--no-edit", "main-before")
    with_driver.add("0004_last", "0003_mail")
    with_driver.git("switch", "-q", "main")
    with_driver.git("merge", "-q", "--no-edit", "feature")
    assert with_driver.head_file == "0004_last\n"


def test_in_a_worktree_and_from_a_folder_below(with_driver: Team, tmp_path: Path) -> None:
    stacked(with_driver)
    folder = tmp_path.parent / f"{tmp_path.name}-worktree"
    with_driver.git("worktree", "add", "-q", str(folder), "-b", "beside")
    with_driver.git("-C", str(folder / "alembic" / "versions"), "merge", "-q", "--no-edit", "feature")
    assert (folder / HEAD).read_text() == "0003_mail\n"


def test_notifydb_not_on_the_path_is_a_conflict(with_driver: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    stacked(with_driver)
    with_driver.git("config", "merge.notifydb-head.driver", "no-such-notifydb %O %A %B %P")
    with_driver.git("merge", "feature", fails=True)
    assert with_driver.unmerged() == [HEAD]


@pytest.mark.parametrize(
    "settings", ["head_file = [", 'script_location = "gone"\n', 'environment = "nonsense"\n']
)
def test_broken_settings_break_no_merge(with_driver: Team, settings: str) -> None:
    stacked(with_driver)
    (with_driver.root / "notifydb.toml").write_text(settings)
    with_driver.git("merge", "-q", "--no-edit", "feature")
    assert with_driver.head_file == "0003_mail\n"


def test_a_migration_that_cannot_be_read_is_a_conflict(with_driver: Team) -> None:
    stacked(with_driver)
    (with_driver.root / "alembic" / "versions" / "0002_broken.py").write_text("def upgrade(:\n")
    with_driver.commit("no Python")
    with_driver.git("merge", "feature", fails=True)
    assert with_driver.unmerged() == [HEAD]


@pytest.mark.parametrize("content", ["", "\x00\x01", "0003_mail 0004_x\n", "<<<<<<< a\n"])
def test_garbage_in_the_file_is_a_conflict(with_driver: Team, content: str) -> None:
    stacked(with_driver)
    (with_driver.root / HEAD).write_text(content)
    with_driver.commit("garbage")
    with_driver.git("merge", "feature", fails=True)
    assert with_driver.unmerged() == [HEAD]
    assert with_driver.head_file.startswith(f"<<<<<<< HEAD\n{content}")


def test_what_the_driver_says(tmp_path: Path, notifydb: Notifydb) -> None:
    """Outside of any repository, as with a git that knows the labels."""
    sides = []
    for side, revision in (("base", "0001_users"), ("ours", "0002_ours"), ("theirs", "0002_theirs")):
        (tmp_path / side).write_text(revision)
        sides.append(str(tmp_path / side))
    merged = notifydb("git", "merge-head-file", *sides, HEAD, "HEAD", "1a2b3c4 (their subject)")
    assert str(merged) == snapshot("""\
exit 1
[err]
error: alembic/.current-alembic-head: two migrations met, 0002_ours and 0002_theirs
  next: notifydb migrate rebase
""")
    assert (tmp_path / "ours").read_text() == MARKERS.format(label="1a2b3c4 (their subject)")
    assert "merge-head-file" not in notifydb("git", "--help").out


def test_the_driver_called_by_hand_is_no_bug(notifydb: Notifydb) -> None:
    assert notifydb("git", "merge-head-file", "no", "such", "files", HEAD).code == 2


def test_install_tells_what_it_did_and_does_it_once(team: Team, notifydb: Notifydb) -> None:
    assert str(notifydb("git", "install", "--dry-run")) == snapshot("""\
exit 0
[out]
diff --git a/.gitattributes b/.gitattributes
new file mode 100644
--- /dev/null
+++ b/.gitattributes
@@ -0,0 +1 @@
+/alembic/.current-alembic-head merge=notifydb-head
git config --local merge.notifydb-head.name 'notifydb: the migration on top'
git config --local merge.notifydb-head.driver 'notifydb git merge-head-file %O %A %B %P %X %Y'
git config --local merge.notifydb-head.recursive 'binary'
""")
    assert not (team.root / ".gitattributes").exists()
    assert str(notifydb("git", "install")) == snapshot("""\
exit 0
[out]
git config --local merge.notifydb-head.name 'notifydb: the migration on top'
git config --local merge.notifydb-head.driver 'notifydb git merge-head-file %O %A %B %P %X %Y'
git config --local merge.notifydb-head.recursive 'binary'
wrote .gitattributes
[err]
next: commit .gitattributes; in every other clone: notifydb git install
""")
    assert (team.root / ".gitattributes").read_text() == snapshot(
        "/alembic/.current-alembic-head merge=notifydb-head\n"
    )
    before = (team.root / ".git" / "config").read_text()
    assert str(notifydb("git", "install")) == snapshot("""\
exit 0
[err]
nothing to do: the merge driver is installed already
""")
    assert (team.root / ".git" / "config").read_text() == before
    assert str(notifydb("git", "install", "--uninstall")) == snapshot("""\
exit 0
[out]
git config --local --remove-section merge.notifydb-head
removed .gitattributes
[err]
next: commit .gitattributes
""")
    assert "notifydb" not in (team.root / ".git" / "config").read_text()
    assert not (team.root / ".gitattributes").exists()
    assert str(notifydb("git", "install", "--uninstall")) == snapshot("""\
exit 0
[err]
nothing to do: the merge driver is not installed
""")


def test_install_leaves_what_else_git_was_told(team: Team, notifydb: Notifydb) -> None:
    attributes = team.root / ".gitattributes"
    attributes.write_bytes(b"*.png binary\r\n*.txt text")
    assert notifydb("git", "install").code == 0
    assert (
        attributes.read_bytes()
        == b"*.png binary\r\n*.txt text\n/" + HEAD.encode() + b" merge=notifydb-head\n"
    )
    assert notifydb("git", "install", "--uninstall").code == 0
    assert attributes.read_bytes() == b"*.png binary\r\n*.txt text\n"


def test_a_clone_needs_only_the_settings(with_driver: Team, notifydb: Notifydb) -> None:
    clone = with_driver.root / "clone"
    with_driver.git("clone", "-q", ".", str(clone))
    (clone / "notifydb.toml").write_text('script_location = "alembic"\n')
    assert "wrote" not in notifydb("git", "install", cwd=clone).out
    assert "merge-head-file" in (clone / ".git" / "config").read_text()


def test_a_driver_that_was_changed_by_hand_is_put_right(with_driver: Team, notifydb: Notifydb) -> None:
    for value in ("one", "two"):
        with_driver.git("config", "--add", "merge.notifydb-head.driver", value)
    assert notifydb("git", "install").code == 0
    assert with_driver.git("config", "--get-all", "merge.notifydb-head.driver") == snapshot(
        "notifydb git merge-head-file %O %A %B %P %X %Y\n"
    )


@pytest.mark.parametrize("folder", ["with space", 'quo"te', "gl[o]b*", "back\\slash", "plain"])
def test_a_project_below_the_top_of_the_repository(team: Team, notifydb: Notifydb, folder: str) -> None:
    project = team.root / folder
    (project / "alembic" / "versions").mkdir(parents=True)
    (project / "notifydb.toml").write_text('script_location = "alembic"\n')
    assert notifydb("git", "install", cwd=project).code == 0
    assert "installed already" in notifydb("git", "install", cwd=project).err
    attribute = team.git("check-attr", "-z", "merge", f"{folder}/{HEAD}", HEAD)
    assert attribute.split("\0")[2::3] == ["notifydb-head", "unspecified"]


def test_install_outside_of_a_repository(small_project: SmallProject, notifydb: Notifydb) -> None:
    assert str(notifydb("git", "install", GIT_CEILING_DIRECTORIES="/")) == snapshot("""\
exit 2
[err]
error: there is no repository to install it in: not a git repository (or any of the parent directories): .git
  next: git init
""")


def test_install_where_there_is_no_head_file(team: Team, notifydb: Notifydb) -> None:
    (team.root / "notifydb.toml").write_text('head_file = ""\n')
    refused = notifydb("git", "install")
    assert (refused.code, "there is no head file" in refused.err) == (2, True)


def test_install_where_git_cannot_write(team: Team, notifydb: Notifydb) -> None:
    (team.root / ".git" / "config.lock").touch()
    refused = notifydb("git", "install")
    assert refused.code == 2
    assert "error: git config said: error: could not lock config file" in refused.err


def test_the_driver_does_not_wait_for_alembic(team: Team) -> None:
    """Git calls it in the middle of somebody's merge."""
    code = (
        "import sys; from notifydb.cli import git; import notifydb.numbering.headmerge;"
        "print(sorted({'alembic', 'sqlalchemy', 'pydantic', 'libcst', 'rich'} & set(sys.modules)))"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
