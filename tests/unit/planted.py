"""Small histories in a folder and in git, for the tests of what moves in them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from notifydb.numbering import conflict
from notifydb.numbering.conflict import OnRef
from notifydb.numbering.plan import RenumberPlan, plan_renumber
from notifydb.revisions.changes import apply
from notifydb.revisions.reader import read_history, read_revisions
from unit.migration_sources import Ids, Style, render

PLAIN = Style("\n", "utf-8", False, '"', "", False, "plain", False, "alembic", False, "")


def put(versions: Path, own: str, *down: str, name: str = "", message: str = "", extra: str = "") -> Path:
    path = versions / f"{name or own}.py"
    path.write_bytes(render(PLAIN, Ids(own, down), message=message) + extra.encode())
    return path


def line(versions: Path) -> list[str]:
    history = read_history(versions)
    assert len(history.heads) == 1
    return [each.id for each in history.ordered()]


def moved(plan: RenumberPlan) -> dict[str, str]:
    return {each.old_id: each.new_id for each in plan.moves}


def carry_out(plan: RenumberPlan, versions: Path, **options: frozenset[str]) -> list[str]:
    """The line after the plan; a second plan must then find nothing to do."""
    apply(plan.changes)
    again = plan_renumber(read_revisions(versions), **options)  # type: ignore[arg-type]
    assert not again
    assert not again.moves
    return line(versions)


def two_branches(versions: Path) -> None:
    """Main went on with 0003_m; a branch off 0002_b has 0003_x and 0004_y."""
    for own, down in (("0001_a", ()), ("0002_b", ("0001_a",)), ("0003_m", ("0002_b",))):
        put(versions, own, *down)
    put(versions, "0003_x", "0002_b")
    put(versions, "0004_y", "0003_x")


MAIN = frozenset({"0001_a", "0002_b", "0003_m"})


class Repository:
    """A git repository with a versions folder, made in a few calls."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.versions = root / "migrations" / "versions"
        self.versions.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "t@example.org")
        self.git("config", "user.name", "t")

    def git(self, *arguments: str, fails: bool = False) -> str:
        ended = subprocess.run(
            ["git", *arguments], cwd=self.root, check=False, capture_output=True, text=True
        )
        assert (ended.returncode != 0) == fails, ended.stderr
        return ended.stdout

    def commit(self, message: str = "more") -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def on_main(self) -> OnRef:
        found = conflict.revisions_on("main", self.versions)
        assert isinstance(found, OnRef)
        return found
