"""Git's index after a renumber: what was tracked is staged under its new name, nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from notifydb.numbering import index
from notifydb.numbering.conflict import Unknown
from notifydb.numbering.plan import plan_renumber
from notifydb.revisions.changes import apply
from notifydb.revisions.reader import read_revisions
from unit.planted import MAIN, Repository, put, two_branches

pytestmark = pytest.mark.usefixtures("quick_disk")


def renumber(repository: Repository, head_file: str = ".current-alembic-head") -> list[str] | Unknown:
    """Moves what is new onto main; the staged paths, relative to the repository."""
    plan = plan_renumber(
        read_revisions(repository.versions), keep=repository.on_main().ids, head_file=head_file
    )
    apply(plan.changes)
    staged = index.follow(plan.changes)
    if isinstance(staged, Unknown):
        return staged
    return sorted(str(path.relative_to(repository.versions.parent)) for path in staged)


def status(repository: Repository) -> list[str]:
    return repository.git("status", "--porcelain", "--untracked-files=all").splitlines()


@pytest.fixture
def merged(repository: Repository) -> Repository:
    """The branch after main was merged and the head file resolved by hand."""
    repository.git("merge", "-X", "ours", "-q", "main")
    return repository


def test_what_was_tracked_is_staged_under_its_new_name(merged: Repository) -> None:
    assert renumber(merged) == [".current-alembic-head", "versions/0002_x.py", "versions/0003_x.py"]
    assert status(merged) == [
        "M  migrations/.current-alembic-head",
        "R  migrations/versions/0002_x.py -> migrations/versions/0003_x.py",
    ]
    assert merged.git("diff") == ""


def test_what_was_not_tracked_stays_so(merged: Repository) -> None:
    merged.git("rm", "-q", "--cached", "migrations/.current-alembic-head")
    merged.git("commit", "-qm", "the head file is not in git")
    put(merged.versions, "0003_y", "0002_x")
    renumber(merged)
    assert status(merged) == [
        "R  migrations/versions/0002_x.py -> migrations/versions/0003_x.py",
        "?? migrations/.current-alembic-head",
        "?? migrations/versions/0004_y.py",
    ]


def test_a_head_file_that_was_made_is_staged_unless_it_is_ignored(merged: Repository) -> None:
    assert renumber(merged, "HEAD") == ["HEAD", "versions/0002_x.py", "versions/0003_x.py"]
    merged.git("reset", "-q", "--hard")
    (merged.root / ".gitignore").write_text("HEAD\n")
    assert renumber(merged, "HEAD") == ["versions/0002_x.py", "versions/0003_x.py"]


def test_names_that_are_patterns_or_not_ascii_are_taken_as_they_are(merged: Repository) -> None:
    put(merged.versions, "0005_z", "0002_x", name="é [0-9]*")
    merged.commit()
    put(merged.versions, "0006_untracked", "0005_z")
    staged = renumber(merged)
    assert isinstance(staged, list)
    assert "versions/é [0-9]*.py" in staged
    assert status(merged)[-1] == "?? migrations/versions/0005_untracked.py"


def test_without_a_repository_the_files_move_and_the_index_is_no_matter(
    versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(versions.parent.parent.parent))
    two_branches(versions)
    plan = plan_renumber(read_revisions(versions), keep=MAIN)
    apply(plan.changes)
    answer = index.follow(plan.changes)
    assert isinstance(answer, Unknown)
    assert "repository" in answer.reason


def test_an_index_that_somebody_else_writes_is_told(merged: Repository) -> None:
    (merged.root / ".git" / "index.lock").touch()
    answer = renumber(merged)
    assert isinstance(answer, Unknown)
    assert "index.lock" in answer.reason
    assert (merged.versions / "0003_x.py").exists()


def test_a_versions_folder_that_is_a_repository_of_its_own(repository: Repository, tmp_path: Path) -> None:
    """The head file is beside it, in another repository or in none."""
    inner = Repository.made(tmp_path / "inner")
    own = inner.versions
    two_branches(own)
    own.rename(tmp_path / "inner" / "versions")
    for name in ("init", "add -A", "-c user.name=t -c user.email=t@example.org commit -qm one"):
        inner.git("-C", "versions", *name.split())
    plan = plan_renumber(read_revisions(tmp_path / "inner" / "versions"), keep=MAIN)
    apply(plan.changes)
    index.follow(plan.changes)
    assert inner.git("-C", "versions", "status", "--porcelain").splitlines() == [
        "R  0003_x.py -> 0004_x.py",
        "R  0004_y.py -> 0005_y.py",
    ]
