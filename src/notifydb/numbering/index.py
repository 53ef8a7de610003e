"""Git's index follows what was changed on the disk, as after `git mv`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from notifydb.numbering import git
from notifydb.numbering.git import Unknown
from notifydb.revisions.changes import FileChange, FileChanges


def follow(changes: FileChanges) -> tuple[Path, ...] | Unknown:
    """Stage what `apply` did to files that git tracks, and return the staged paths.

    An untracked file stays untracked under its new name. One that was made is staged where git tracks the
    folder's other files and does not ignore this one.
    """
    found: list[Path] = []
    for folder in sorted({each.parent for change in changes.changes for each in _paths(change)}):
        names = _to_stage(folder, [each for each in changes.changes if folder in map(_parent, _paths(each))])
        if isinstance(names, Unknown):
            return names
        stdin = b"".join(os.fsencode(name) + b"\0" for name in names)
        staged = git.run(folder, "update-index", "--add", "--remove", "-z", "--stdin", stdin=stdin)
        if isinstance(staged, Unknown):
            return staged
        found += [folder / name for name in names]
    return tuple(found)


def _to_stage(folder: Path, changes: Iterable[FileChange]) -> list[str] | Unknown:
    tracked = _names(folder)
    if isinstance(tracked, Unknown):
        return tracked
    addable = _names(folder, "--others", "--exclude-standard")
    if isinstance(addable, Unknown):
        return addable
    names: set[str] = set()
    for change in changes:
        if change.old is not None and change.old.name in tracked:
            names |= {path.name for path in _paths(change)}
        elif change.old is None and change.new is not None and tracked and change.new.name in addable:
            names.add(change.new.name)
    return sorted(names)


def _names(folder: Path, *options: str) -> frozenset[str] | Unknown:
    """What git lists there; files of subfolders come with a `/` and match no name."""
    listed = git.run(folder, "ls-files", "-z", *options, "--", ".")
    return listed if isinstance(listed, Unknown) else frozenset(os.fsdecode(listed).split("\0")) - {""}


def _paths(change: FileChange) -> tuple[Path, ...]:
    return tuple(path for path in (change.old, change.new) if path is not None)


def _parent(path: Path) -> Path:
    return path.parent
