"""Merging the head file in git: where one side's migration stands on the other's, nothing is in conflict."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from notifydb.errors import HistoryError
from notifydb.numbering import git
from notifydb.numbering.conflict import OnRef, revisions_on
from notifydb.revisions.graph import History, Revision

_GITHEAD: Final = "GITHEAD_"
_STOPPED_AT: Final = ("MERGE_HEAD", "REBASE_HEAD", "CHERRY_PICK_HEAD")


@dataclasses.dataclass(frozen=True, slots=True)
class Sides:
    """The file as both sides have it and as it was before; `path` is the file's in the repository.

    The labels are git's words for the sides: a branch, or a commit and its subject; they may be empty.
    """

    path: Path
    base: bytes
    ours: bytes
    theirs: bytes
    our_label: str = ""
    their_label: str = ""

    @property
    def met(self) -> tuple[str, ...]:
        """What our file and theirs name, as far as they are files of one word."""
        return tuple(_name(each) or "no migration" for each in (self.ours, self.theirs))

    def conflict(self) -> bytes:
        """Both sides between git's markers."""
        named = next(iter(_merged_branches().values()), "theirs")
        return b"".join(
            (
                _marker("<", self.our_label or "HEAD"), _line(self.ours),
                b"=======\n", _line(self.theirs), _marker(">", self.their_label or named),
            )
        )  # fmt: skip


def head_of_both(sides: Sides) -> str | None:
    """The migration that is on top once both sides are merged; None if that is for somebody to decide.

    One side has to stand on the other, and both on what was the head before: who went back from it took a
    migration away. Run at the top of the repository.
    """
    before, ours, theirs = (_name(each) for each in (sides.base, sides.ours, sides.theirs))
    if before is None or ours is None or theirs is None:
        return None
    history = _merged_history(sides.path, ours, theirs, sides.their_label)
    if history is None or len(history.heads) != 1 or history.heads[0] not in (ours, theirs):
        return None
    head = history.heads[0]
    lower = theirs if head == ours else ours
    stands = lower in history.ancestors(head) | {head} and before in history.ancestors(lower) | {lower}
    return head if stands else None


def _merged_history(path: Path, ours: str, theirs: str, label: str) -> History | None:
    """The revisions of our commit and, if it is known, of theirs; None if they are no one history."""
    if not _names("HEAD", path, ours):
        return None
    found: dict[str, Revision] = {}
    for ref in ("HEAD", *(each for each in _their_commits(label) if _names(each, path, theirs))):
        on_ref = revisions_on(ref, path.parent / "versions")
        if not isinstance(on_ref, OnRef):
            return None
        for each in on_ref.revisions:
            if found.setdefault(each.id, each).down_revisions != each.down_revisions:
                return None
    try:
        return History(found.values()) if theirs in found else None
    except HistoryError:
        return None


def _their_commits(label: str) -> Iterator[str]:
    """What may be the other side's commit: git says it in one way or the other, by command and version."""
    yield from _merged_branches()
    yield from (word for word in label.split()[:1] if not word.startswith("-"))
    yield from _STOPPED_AT


def _merged_branches() -> dict[str, str]:
    """The commits that `git merge` was asked to merge, and how they were called."""
    return {name[len(_GITHEAD) :]: called for name, called in os.environ.items() if name.startswith(_GITHEAD)}


def _names(ref: str, path: Path, revision: str) -> bool:
    """Whether the head file of that commit is this side's."""
    content = git.run(Path(), "cat-file", "blob", f"{ref}:{path.as_posix()}")
    return isinstance(content, bytes) and _name(content) == revision


def _name(content: bytes) -> str | None:
    words = content.decode("utf-8", "replace").split()
    return words[0] if len(words) == 1 else None


def _marker(sign: str, label: str) -> bytes:
    return os.fsencode(f"{sign * 7} {label}\n")


def _line(content: bytes) -> bytes:
    return content if content.endswith(b"\n") or not content else content + b"\n"
