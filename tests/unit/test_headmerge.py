"""Which of two heads is on top: what git has to know for an answer, and that no doubt is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb.numbering.headmerge import Sides, head_of_both
from notifydb.revisions import headfile
from unit.planted import Repository, put

HEAD = Path("migrations") / headfile.HEAD_FILE


@pytest.fixture
def stacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Main has 0001_a and 0002_b; top, which is checked out nowhere, stands on both with 0003_c."""
    made = Repository.made(tmp_path / "repository")
    monkeypatch.chdir(made.root)
    for revision, down in (("0001_a", ()), ("0002_b", ("0001_a",)), ("0003_c", ("0002_b",))):
        put(made.versions, revision, *down)
        (made.root / HEAD).write_bytes(headfile.content(revision))
        made.commit(revision)
    made.git("branch", "top")
    made.git("reset", "-q", "--hard", "HEAD~")
    return made


def merged(
    ours: bytes = b"0002_b\n",
    theirs: bytes = b"0003_c\n",
    base: bytes = b"0001_a\n",
    label: str = "top (0003_c)",
) -> str | None:
    return head_of_both(Sides(HEAD, base, ours, theirs, their_label=label))


def test_the_label_names_their_commit(stacked: Repository) -> None:
    assert merged() == "0003_c"


@pytest.mark.parametrize("label", ["", "theirs", "main", "--all", "-", "top~1", "\n"])
def test_their_commit_is_not_known(stacked: Repository, label: str) -> None:
    assert merged(label=label) is None


@pytest.mark.parametrize("mark", ["MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD"])
def test_a_stopped_operation_names_their_commit(stacked: Repository, mark: str) -> None:
    """`git checkout --merge FILE` runs the driver once more."""
    stacked.git("update-ref", mark, "top")
    assert merged(label="") == "0003_c"


def test_a_merge_names_their_commit_in_a_variable(
    stacked: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"GITHEAD_{stacked.git('rev-parse', 'top').strip()}", "top")
    assert merged(label="") == "0003_c"


def test_ours_is_on_top(stacked: Repository) -> None:
    stacked.git("switch", "-q", "top")
    assert merged(b"0003_c\n", b"0002_b\n", label="") == "0003_c"


def test_only_the_line_ends_differ(stacked: Repository) -> None:
    assert merged(b"0002_b\n", b"0002_b\r\n") == "0002_b"


def test_a_head_that_is_not_that_of_the_commit(stacked: Repository) -> None:
    stacked.git("switch", "-q", "top")
    assert merged(b"0002_b\n", b"0003_c\n") is None


@pytest.mark.parametrize("base", [b"", b"0003_c\n", b"0009_gone\n", b"a b\n"])
def test_what_was_before_is_not_below_both(stacked: Repository, base: bytes) -> None:
    assert merged(base=base) is None


def test_a_migration_that_stands_elsewhere_on_each_side(stacked: Repository) -> None:
    put(stacked.versions, "0000_z")
    put(stacked.versions, "0001_a", "0000_z")
    stacked.commit("another base")
    assert merged() is None


def test_a_second_head_on_one_side(stacked: Repository) -> None:
    put(stacked.versions, "0002_other", "0001_a")
    stacked.commit("not in the head file")
    assert merged() is None


def test_a_migration_that_git_cannot_show(stacked: Repository) -> None:
    (stacked.versions / "0002_broken.py").write_text("def upgrade(:\n")
    stacked.commit("no Python")
    assert merged() is None


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert merged() is None


@pytest.mark.parametrize("text", [b"", b"0002_b", b"\xff\n"])
def test_markers_stand_on_lines_of_their_own(text: bytes) -> None:
    conflict = Sides(HEAD, b"", text, text, "ours \udcff", "theirs").conflict()
    lines = conflict.splitlines()
    assert lines[0] == b"<<<<<<< ours \xff"
    assert lines[-1] == b">>>>>>> theirs"
    assert lines.count(b"=======") == 1
