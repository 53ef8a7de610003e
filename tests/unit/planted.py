"""Small histories in a folder and in git, for the tests of what moves in them."""

from __future__ import annotations

import dataclasses
import subprocess
from pathlib import Path

from notifydb.numbering import conflict, index
from notifydb.numbering.conflict import OnRef
from notifydb.numbering.plan import RenumberPlan, plan_renumber
from notifydb.numbering.rebase import RebasePlan, plan_rebase
from notifydb.revisions import headfile
from notifydb.revisions.changes import apply
from notifydb.revisions.reader import read_history, read_revisions
from unit.migration_sources import Ids, Style, render

PLAIN = Style("\n", "utf-8", False, '"', "", False, "plain", False, "alembic", False, "")


def put(
    versions: Path, own: str, *down: str, name: str = "", message: str = "", extra: str = "", day: int = 2
) -> Path:
    """A migration in the plain style, made on a day of January."""
    path = versions / f"{name or own}.py"
    source = render(PLAIN, Ids(own, down), message=message).replace(b"2024-01-02", b"2024-01-%02d" % day)
    path.write_bytes(source + extra.encode())
    return path


def rebase(versions: Path, *heads: str, onto: str | None = None) -> RebasePlan:
    """Plans, carries out and stages; a second plan must then find nothing to do."""
    plan = plan_rebase(versions, heads=heads, onto=onto)
    apply(plan.line.changes)
    index.follow(plan.line.changes)
    if plan.line.absent is None and not heads:
        assert not plan_rebase(versions, onto=onto)
    return plan


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


@dataclasses.dataclass(frozen=True)
class Repository:
    """A git repository with a versions folder, made in a few calls."""

    root: Path

    @classmethod
    def made(cls, root: Path) -> Repository:
        repository = cls(root)
        repository.versions.mkdir(parents=True)
        repository.git("init", "-q", "-b", "main")
        return repository

    @property
    def versions(self) -> Path:
        return self.root / "migrations" / "versions"

    def git(self, *arguments: str, fails: bool = False) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.editor=true"]
        command = ["git", *who, "-c", "protocol.file.allow=always", *arguments]
        ended = subprocess.run(command, cwd=self.root, check=False, capture_output=True, text=True)
        assert (ended.returncode != 0) == fails, ended.stderr
        return ended.stdout

    def commit(self, message: str = "more") -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", message)

    def migration(self, own: str, *down: str, name: str = "", message: str = "", day: int = 2) -> Path:
        """A migration, the head file that names it, and the commit of both."""
        path = put(self.versions, own, *down, name=name, message=message, day=day)
        self.head_file.write_bytes(headfile.content(own))
        self.commit(own)
        return path

    @property
    def head_file(self) -> Path:
        return self.versions.parent / headfile.HEAD_FILE

    def on_main(self) -> OnRef:
        found = conflict.revisions_on("main", self.versions)
        assert isinstance(found, OnRef)
        return found
