"""What git is asked, and that it may not know."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb.numbering import conflict
from notifydb.numbering.conflict import OnRef, Operation, Unknown
from unit.planted import Repository, put


def test_git_tells_the_ids_and_files_of_another_branch(repository: Repository) -> None:
    found = repository.on_main()
    assert found.ids == {"0001_a", "0002_m"}
    assert found.files == {"0001_a.py", "0002_odd_name.py"}
    assert {each.path.parent for each in found.revisions} == {repository.versions}


def test_the_main_branch_is_found_or_the_configured_one_taken(repository: Repository) -> None:
    assert conflict.main_branch(repository.versions) == "main"
    assert conflict.main_branch(repository.versions, "branch") == "branch"
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    assert conflict.main_branch(repository.versions) == "origin/main"
    assert conflict.main_branch(repository.versions, "trunk") == Unknown("there is no trunk")
    repository.git("update-ref", "-d", "refs/remotes/origin/main")
    repository.git("branch", "-m", "main", "trunk")
    assert conflict.main_branch(repository.versions) == Unknown(
        "there is no origin/main or main or origin/master or master"
    )


def test_what_main_has_is_not_what_was_edited_here(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    path = repository.versions / "0001_a.py"
    committed = path.read_bytes()
    for here in (committed.replace(b"0001_a", b"0001_edited"), committed.replace(b"\n", b"\r\n"), None):
        if here is None:
            path.unlink()
        else:
            path.write_bytes(here)
        assert repository.on_main().ids == {"0001_a", "0002_m"}


def test_a_repository_of_longer_names_is_read_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", "sha256")
    repository = Repository.made(tmp_path)
    put(repository.versions, "0001_a")
    put(repository.versions, "0002_b", "0001_a")
    repository.commit()
    assert len(repository.git("rev-parse", "HEAD").strip()) == 64
    path = repository.versions / "0002_b.py"
    path.write_bytes(path.read_bytes().replace(b"0002_b", b"0002_c"))
    assert repository.on_main().ids == {"0001_a", "0002_b"}


@pytest.mark.parametrize("ref", ["nowhere", "--all", "HEAD:migrations", ""])
def test_a_ref_that_is_no_commit_is_unknown(repository: Repository, ref: str) -> None:
    assert conflict.revisions_on(ref, repository.versions) == Unknown(f"there is no {ref}")


def test_a_shallow_clone_is_named_as_the_likely_reason(repository: Repository, tmp_path: Path) -> None:
    source = f"file://{repository.root}"
    repository.git("clone", "-q", "--depth", "1", "--branch", "branch", source, str(tmp_path / "clone"))
    versions = tmp_path / "clone" / "migrations" / "versions"
    found = conflict.revisions_on("origin/main", versions)
    assert found == Unknown("there is no origin/main; the clone is shallow, so it may only be missing here")


def test_a_folder_that_main_has_not_is_empty_there(repository: Repository) -> None:
    other = repository.root / "elsewhere" / "versions"
    other.mkdir(parents=True)
    assert conflict.revisions_on("main", other) == OnRef("main", ())


def test_a_file_on_main_that_cannot_be_read_is_an_answer(repository: Repository) -> None:
    repository.git("checkout", "-q", "main")
    (repository.versions / "0003_bad.py").write_text("revision = (\n")
    repository.commit()
    found = conflict.revisions_on("main", repository.versions)
    assert isinstance(found, Unknown)
    assert "main has a file that cannot be read" in found.reason
    assert "0003_bad.py" in found.reason


QUESTIONS: list[Callable[[Path], object]] = [
    conflict.main_branch,
    conflict.in_progress,
    conflict.edited_files,
    lambda versions: conflict.revisions_on("main", versions),
]


@pytest.mark.parametrize("ask", QUESTIONS)
def test_without_a_repository_git_does_not_know(
    versions: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Path], object]
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(versions.parent.parent.parent))
    answer = ask(versions)
    assert isinstance(answer, Unknown)
    assert "repository" in answer.reason


@pytest.mark.parametrize("ask", QUESTIONS)
def test_without_git_nothing_is_known(
    versions: Path, monkeypatch: pytest.MonkeyPatch, ask: Callable[[Path], object]
) -> None:
    monkeypatch.setenv("PATH", str(versions))
    assert ask(versions) == Unknown("there is no git")


@pytest.mark.parametrize(
    ("command", "operation"),
    [
        (("merge", "main"), Operation.MERGE),
        (("rebase", "main"), Operation.REBASE),
        (("cherry-pick", "main"), Operation.CHERRY_PICK),
        (("revert", "main~1"), Operation.REVERT),
    ],
)
def test_what_waits_to_be_finished_is_named(
    repository: Repository, command: tuple[str, ...], operation: Operation
) -> None:
    assert conflict.in_progress(repository.versions) is None
    repository.git("-c", "core.editor=true", *command, fails=True)
    assert conflict.in_progress(repository.versions) is operation


def test_edited_files_are_those_that_differ_from_the_last_commit(repository: Repository) -> None:
    assert conflict.edited_files(repository.versions) == frozenset()
    for path in (repository.versions / "0002_x.py", repository.root / "outside.py"):
        path.write_text("edited")
    (repository.versions / "0009_new.py").write_text("untracked")
    (repository.versions / "0010_new.py").write_text("staged, and never committed")
    repository.git("add", str(repository.versions / "0010_new.py"))
    (repository.versions / "0001_a.py").unlink()
    assert conflict.edited_files(repository.versions) == frozenset({"0002_x.py"})
    repository.git("add", "-A")
    assert conflict.edited_files(repository.versions) == frozenset({"0002_x.py"})


def test_what_a_merge_brings_is_no_edit_and_neither_is_what_it_could_not_merge(
    repository: Repository,
) -> None:
    first = repository.versions / "0001_a.py"
    for branch, line in (("branch", b"# at the end\n"), ("main", b"# at the top\n")):
        repository.git("checkout", "-q", branch)
        first.write_bytes(first.read_bytes() + line if branch == "branch" else line + first.read_bytes())
        put(repository.versions, "0003_both", "0001_a", message=branch)
        repository.commit()
    repository.git("checkout", "-q", "branch")
    repository.git("merge", "main", fails=True)
    assert conflict.unmerged(repository.versions) == frozenset({"0003_both.py"})
    assert conflict.edited_files(repository.versions) == frozenset()
    first.write_bytes(first.read_bytes() + b"# by hand\n")
    assert conflict.edited_files(repository.versions) == frozenset({"0001_a.py"})


def test_a_work_tree_and_a_hook_see_the_same_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "third", "main")
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", "nowhere")
    versions = tmp_path / "tree" / "migrations" / "versions"
    found = conflict.revisions_on("branch", versions)
    assert isinstance(found, OnRef)
    assert found.ids == {"0001_a", "0002_x"}
    assert conflict.in_progress(versions) is None
    assert conflict.edited_files(versions) == frozenset()
