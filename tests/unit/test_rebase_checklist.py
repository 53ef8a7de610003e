"""What a rebase of migrations has to get right, a test for each case: errors, successes, the parser, git."""

from __future__ import annotations

import dataclasses
import py_compile
from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb.errors import HistoryError, NotifydbError, UsageError
from notifydb.numbering.rebase import plan_rebase
from unit.migration_sources import Ids, Style, render
from unit.planted import PLAIN, Repository, line, moved, put, rebase, two_branches

pytestmark = pytest.mark.usefixtures("quick_disk")

TWO_WAY = "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> other\n"
THREE_WAY = "<<<<<<< HEAD\n{}\n||||||| base\n0001_a\n=======\n{}\n>>>>>>> other\n"


@pytest.fixture
def no_git(versions: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two branches in a folder that is in no repository, their heads 0003_m and 0004_y."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(versions.parent.parent.parent))
    two_branches(versions)
    return versions


@pytest.fixture
def merging(repository: Repository) -> Repository:
    """A merge of main's 0002_m into the branch with 0002_x, stopped by the head file."""
    repository.git("merge", "main", fails=True)
    return repository


@pytest.fixture
def rebasing(repository: Repository) -> Repository:
    """The same two, and the branch is being rebased onto main."""
    repository.git("rebase", "main", fails=True)
    return repository


# Errors.


def test_error_no_conflict_and_one_head_is_nothing_to_do(repository: Repository) -> None:
    assert not plan_rebase(repository.versions)


def test_error_two_heads_and_nothing_tells(no_git: Path) -> None:
    with pytest.raises(HistoryError, match="nothing tells which branch stays: 0003_m, 0004_y") as caught:
        plan_rebase(no_git)
    assert caught.value.hint == "say which one moves: notifydb migrate rebase 0004_y"


def test_error_no_head_file_one_is_made(merging: Repository) -> None:
    merging.head_file.unlink()
    rebase(merging.versions)
    assert merging.head_file.read_bytes() == b"0003_x\n"


def test_error_the_staying_name_in_the_head_file_is_missing(no_git: Path) -> None:
    (no_git.parent / ".current-alembic-head").write_text(TWO_WAY.format("0003_gone", "0004_y"))
    with pytest.raises(HistoryError, match="first side names 0003_gone, and no file has that revision id"):
        plan_rebase(no_git)


def test_error_the_moving_name_in_the_head_file_is_missing_and_not_needed(no_git: Path) -> None:
    (no_git.parent / ".current-alembic-head").write_text(TWO_WAY.format("0003_m", "0004_gone"))
    rebase(no_git)
    assert line(no_git) == ["0001_a", "0002_b", "0003_m", "0004_x", "0005_y"]


def test_error_a_migration_of_which_only_the_bytecode_is_left(merging: Repository) -> None:
    path = merging.versions / "0002_odd_name.py"
    py_compile.compile(str(path))
    put(merging.versions, "0003_z", "0002_m")
    path.unlink()
    with pytest.raises(HistoryError, match="stands on '0002_m', and no file has that revision id"):
        plan_rebase(merging.versions)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("revision = (\n", r"0002_x\.py:1: '\(' was never closed"),
        ("down_revision = None\ndef upgrade(): pass\n", r"0002_x\.py:1: there is no revision"),
        ("revision = '0002_x'\n", r"0002_x\.py:1: there is no down_revision"),
        ("revision = '1'\ndown_revision = '0'\ndown_revision = '0'\n", r"0002_x\.py:3: .* assigned twice"),
    ],
)
def test_error_a_migration_that_cannot_be_read(merging: Repository, text: str, why: str) -> None:
    (merging.versions / "0002_x.py").write_text(text)
    with pytest.raises(HistoryError, match=why):
        plan_rebase(merging.versions)


def test_error_a_parent_that_is_nowhere(merging: Repository) -> None:
    put(merging.versions, "0002_x", "0000_nowhere")
    with pytest.raises(HistoryError, match="stands on '0000_nowhere', and no file has that revision id"):
        plan_rebase(merging.versions)


def test_error_one_id_in_two_new_files(merging: Repository) -> None:
    put(merging.versions, "0002_x", "0001_a", name="0002_twin", day=3)
    put(merging.versions, "0003_y", "0002_x")
    with pytest.raises(HistoryError, match=r"0002_twin\.py and .*0002_x\.py have the same revision id"):
        plan_rebase(merging.versions)


def test_error_a_name_that_is_no_head(no_git: Path) -> None:
    with pytest.raises(UsageError, match="0003_x is no head of the history; there are: 0003_m"):
        plan_rebase(no_git, heads=["0003_x"])
    with pytest.raises(UsageError, match="nothing would stay"):
        plan_rebase(no_git, heads=["0003_m", "0004_y"])


def test_error_a_head_that_moves_and_a_ref_that_stays(repository: Repository) -> None:
    with pytest.raises(UsageError, match="two answers to one question"):
        plan_rebase(repository.versions, heads=["0002_x"], onto="main")


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_error_a_head_file_that_is_no_plain_file(merging: Repository, kind: str) -> None:
    merging.head_file.unlink()
    if kind == "folder":
        merging.head_file.mkdir()
    else:
        merging.head_file.symlink_to(merging.versions / "0001_a.py")
    with pytest.raises(UsageError, match="is to name the head, and is no plain file"):
        plan_rebase(merging.versions)
    assert (merging.versions / "0002_x.py").exists()


def test_error_a_ref_that_is_not_there(repository: Repository) -> None:
    with pytest.raises(UsageError, match="git cannot read the revisions of nowhere: there is no nowhere"):
        plan_rebase(repository.versions, onto="nowhere")


# Successes.


@pytest.mark.parametrize("how", ["merging", "rebasing"])
def test_success_plain(how: str, request: pytest.FixtureRequest) -> None:
    repository: Repository = request.getfixturevalue(how)
    plan = rebase(repository.versions)
    assert moved(plan.line) == {"0002_x": "0003_x"}
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]
    assert not (repository.versions / "0002_x.py").exists()
    assert repository.head_file.read_bytes() == b"0003_x\n"
    assert repository.git("diff", "--name-only") == ""


STYLES = {
    "plain": PLAIN,
    "tuple": dataclasses.replace(PLAIN, container="tuple"),
    "list": dataclasses.replace(PLAIN, container="list"),
    "annotated": dataclasses.replace(PLAIN, annotated=True),
    "single quotes": dataclasses.replace(PLAIN, quote="'"),
    "triple quotes": dataclasses.replace(PLAIN, quote='"""'),
    "trailing comment": dataclasses.replace(PLAIN, comment="  # was 'x' é"),
    "CRLF": dataclasses.replace(PLAIN, newline="\r\n"),
    "BOM": dataclasses.replace(PLAIN, bom=True),
    "latin-1": dataclasses.replace(PLAIN, encoding="latin-1"),
    "form feed": dataclasses.replace(PLAIN, same_line=True),
    "in pieces": dataclasses.replace(PLAIN, concatenated=True),
    "no docstring": dataclasses.replace(PLAIN, docstring="none"),
}


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES.keys())
def test_success_every_style_and_nothing_else_changes(style: Style, repository: Repository) -> None:
    """UUIDs, index names and texts with the digits of the ids are in the body, and stay as they are."""
    ids = Ids("0002_x", ("0001_a",))
    repository.git("config", "core.autocrlf", "false")
    (repository.versions / "0002_x.py").write_bytes(render(style, ids))
    repository.commit()
    repository.git("merge", "main", fails=True)
    rebase(repository.versions)
    expected = render(style, Ids("0003_x", ("0002_m",)), mentions=ids)
    assert (repository.versions / "0003_x.py").read_bytes() == expected


def test_success_a_chain_keeps_its_order(repository: Repository) -> None:
    for number in range(3, 8):
        own, down = f"{number:04d}_x{number}", f"{number - 1:04d}_x{number - 1}" if number > 3 else "0002_x"
        repository.migration(own, down)
    repository.git("merge", "main", fails=True)
    rebase(repository.versions)
    assert line(repository.versions)[2:] == [
        "0003_x",
        *(f"{number + 1:04d}_x{number}" for number in range(3, 8)),
    ]


def test_success_three_heads_go_one_after_another(no_git: Path) -> None:
    put(no_git, "0003_c", "0002_b")
    put(no_git, "0004_c", "0003_c")
    with pytest.raises(HistoryError) as caught:
        plan_rebase(no_git)
    assert (caught.value.hint or "").endswith("rebase 0004_c 0004_y")
    with pytest.raises(HistoryError, match="both have to stay") as caught:
        plan_rebase(no_git, heads=["0004_y"])
    rebase(no_git, "0004_y", "0004_c")
    assert line(no_git)[2:] == ["0003_m", "0004_c", "0005_c", "0006_x", "0007_y"]


def test_success_file_names_that_are_not_the_id(repository: Repository) -> None:
    repository.git("mv", "migrations/versions/0002_x.py", "migrations/versions/other.py")
    repository.commit()
    repository.git("merge", "main", fails=True)
    rebase(repository.versions)
    assert (repository.versions / "0003_x.py").exists()
    assert (repository.versions / "0002_odd_name.py").exists()


def test_success_gaps_below_stay_and_numbers_go_past_9999(no_git: Path) -> None:
    put(no_git, "9999_far", "0003_m")
    rebase(no_git, "0004_y")
    assert line(no_git)[2:] == ["0003_m", "9999_far", "10000_x", "10001_y"]


def test_success_an_id_that_is_too_long_loses_whole_words(no_git: Path) -> None:
    put(no_git, "0005_" + "word_" * 6 + "z", "0004_y")
    plan = rebase(no_git, "0005")
    assert line(no_git)[-1] == "0006_word_word_word_word_word"
    assert "cut to 32 characters" in plan.line.moves[-1].reason


def test_success_stale_bytecode_goes(no_git: Path) -> None:
    compiled = Path(py_compile.compile(str(no_git / "0003_x.py")) or "")
    assert compiled.exists()
    rebase(no_git, "0004_y")
    assert not compiled.exists()


def branch_label(versions: Path) -> None:
    put(versions, "0005_z", "0004_y", extra='branch_labels = ("reports",)\n')


def depends_across(versions: Path) -> None:
    (versions / "0005_z.py").write_bytes(render(PLAIN, Ids("0005_z", ("0004_y",), ("0003_m",))))


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (branch_label, r"it names a branch \(reports\)"),
        (depends_across, "it depends on 0003_m, which is not below it"),
    ],
)
def test_error_what_has_no_place_in_one_line(no_git: Path, spoil: Callable[[Path], None], why: str) -> None:
    spoil(no_git)
    with pytest.raises(HistoryError, match=rf"0005_z\.py cannot be put into one line: {why}"):
        plan_rebase(no_git, heads=["0005_z"])


def test_error_a_merge_revision_on_the_branch(repository: Repository) -> None:
    put(repository.versions, "0002_y", "0001_a")
    put(repository.versions, "0003_merge", "0002_x", "0002_y")
    repository.commit()
    repository.git("merge", "main", fails=True)
    with pytest.raises(HistoryError, match="it merges 0002_x and 0002_y") as caught:
        plan_rebase(repository.versions)
    assert "one line needs no merge" in (caught.value.hint or "")


# The parser: the head file.


@pytest.mark.parametrize(
    "content",
    [
        "",
        "0002_x\n=======\n0002_m\n>>>>>>> main\n",
        "<<<<<<< HEAD\n0002_x\n=======\n0002_m\n",
        "0002_x\n0002_m\n",
        TWO_WAY.format("0002_x", "0002_m"),
        THREE_WAY.format("0002_x", "0002_m"),
    ],
    ids=["empty", "no first marker", "no last marker", "two lines", "two-way", "three-way"],
)
def test_parser_in_git_the_head_file_is_written_whatever_is_in_it(merging: Repository, content: str) -> None:
    merging.head_file.write_text(content)
    rebase(merging.versions)
    assert merging.head_file.read_bytes() == b"0003_x\n"


@pytest.mark.parametrize("text", [TWO_WAY, THREE_WAY], ids=["two-way", "three-way"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_parser_without_git_the_first_side_stays(no_git: Path, text: str, newline: str) -> None:
    head = no_git.parent / ".current-alembic-head"
    head.write_bytes(text.format("0004_y", "0003_m").replace("\n", newline).encode())
    rebase(no_git)
    assert line(no_git)[2:] == ["0003_x", "0004_y", "0005_m"]
    assert head.read_bytes() == b"0005_m\n"


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
@pytest.mark.parametrize("command", ["merge", "rebase"])
def test_parser_what_git_writes_in_a_merge_and_in_a_rebase(
    repository: Repository, command: str, style: str
) -> None:
    repository.git("-c", f"merge.conflictStyle={style}", command, "main", fails=True)
    rebase(repository.versions)
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]


# Git.


def test_git_no_binary(no_git: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(no_git))
    rebase(no_git, "0004_y")
    assert line(no_git)[-1] == "0005_y"


def test_git_no_merge_but_two_heads_after_it(repository: Repository) -> None:
    repository.git("merge", "-q", "-X", "ours", "main")
    plan = rebase(repository.versions)
    assert (plan.operation, plan.why) == (None, "what main has stays")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]


def test_git_onto_without_any_conflict(repository: Repository) -> None:
    plan = rebase(repository.versions, onto="main")
    assert (moved(plan.line), plan.line.absent) == ({"0002_x": "0003_x"}, "0002_m")
    repository.commit()
    repository.git("merge", "main", fails=True)
    rebase(repository.versions)
    repository.git("commit", "-qm", "merged")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]
    assert repository.git("show", "HEAD:migrations/.current-alembic-head") == "0003_x\n"


def test_git_an_untracked_head_file_stays_untracked(repository: Repository) -> None:
    for branch in ("main", "branch"):
        repository.git("checkout", "-qf", branch)
        repository.git("rm", "-q", "--cached", "migrations/.current-alembic-head")
        (repository.root / ".gitignore").write_text(".current-alembic-head\n")
        repository.commit("no head file in git")
    repository.git("merge", "-q", "main")
    rebase(repository.versions)
    assert repository.head_file.read_bytes() == b"0003_x\n"
    assert "current-alembic-head" not in repository.git("status", "--porcelain")


def test_git_revert_is_refused(repository: Repository) -> None:
    repository.migration("0003_y", "0002_x")
    repository.git("revert", "HEAD~1", fails=True)
    with pytest.raises(HistoryError, match="git revert takes away a migration") as caught:
        plan_rebase(repository.versions)
    assert "notifydb migrate new" in (caught.value.hint or "")


def test_git_cherry_pick(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    repository.git("cherry-pick", "branch", fails=True)
    plan = rebase(repository.versions)
    assert plan.operation == "cherry-pick"
    repository.git("cherry-pick", "--continue")
    assert line(repository.versions) == ["0001_a", "0002_m", "0003_x"]


def test_git_worktree(repository: Repository, tmp_path: Path) -> None:
    repository.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "third", "branch")
    tree = Repository(tmp_path / "tree")
    tree.git("merge", "main", fails=True)
    assert rebase(tree.versions).operation == "merge"
    tree.git("commit", "-qm", "merged")
    assert line(tree.versions) == ["0001_a", "0002_m", "0003_x"]
    assert line(repository.versions) == ["0001_a", "0002_x"]


def test_git_submodule(repository: Repository, tmp_path: Path) -> None:
    outer = Repository.made(tmp_path / "outer")
    outer.git("submodule", "add", "-q", str(repository.root), "inner")
    inner = Repository(outer.root / "inner")
    inner.git("merge", "origin/main", fails=True)
    assert rebase(inner.versions).operation == "merge"
    inner.git("commit", "-qm", "merged")
    assert line(inner.versions) == ["0001_a", "0002_m", "0003_x"]


def test_every_refusal_names_a_next_step(no_git: Path) -> None:
    for options in ({}, {"heads": ["nothing"]}, {"onto": "nowhere"}):
        with pytest.raises(NotifydbError) as caught:
            plan_rebase(no_git, **options)
        assert caught.value.hint
