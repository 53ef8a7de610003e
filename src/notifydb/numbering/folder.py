"""The migrations of a folder as they are meant, where git could not make one file of two."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path

from notifydb.errors import HistoryError
from notifydb.numbering import markers
from notifydb.numbering.markers import Conflict
from notifydb.revisions import reader
from notifydb.revisions.changes import FileChange
from notifydb.revisions.graph import Revision
from notifydb.revisions.rewrite import without_header


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What a migration is meant to hold, and the file it is in now; `apart`, it leaves that to another."""

    path: Path
    content: bytes
    apart: bool = False

    @classmethod
    def on_disk(cls, path: Path) -> Source:
        return cls(path, path.read_bytes())

    def change(self, new: Path, after: bytes) -> FileChange:
        """The change that puts `after` into `new`."""
        change = FileChange.of(self.path, new, after)
        return dataclasses.replace(change, old=None, before=None) if self.apart else change


@dataclasses.dataclass(frozen=True, slots=True)
class Files:
    """A versions folder as git left it: the revisions of whole files, and what is in conflict by path."""

    revisions: tuple[Revision, ...]
    conflicts: Mapping[Path, Conflict]


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    """The revisions as they are meant; `sources` are those that the disk has otherwise, by their paths.

    Of two migrations in one file, the one that moves has a path that does not exist. `notes` say what was
    resolved.
    """

    revisions: tuple[Revision, ...]
    sources: Mapping[Path, Source]
    notes: tuple[str, ...] = ()

    def as_staying(self) -> tuple[Revision, ...]:
        """Without those that leave their file to another."""
        return tuple(each for each in self.revisions if each.path not in self._apart())

    def as_moving(self) -> tuple[Revision, ...]:
        """As a branch sees it that moves: where two have one id, the one that leaves the file."""
        apart = self._apart()
        left = {each.id for each in self.revisions if each.path in apart}
        return tuple(each for each in self.revisions if each.path in apart or each.id not in left)

    def _apart(self) -> frozenset[Path]:
        return frozenset(path for path, source in self.sources.items() if source.apart)


def read_files(versions: Path) -> Files:
    """The folder's migrations; HistoryError for one that cannot be read for another reason than conflicts."""
    revisions: list[Revision] = []
    conflicts: dict[Path, Conflict] = {}
    for path in sorted(versions.iterdir()):
        if not reader.is_migration(path) or not path.is_file():
            continue
        content = _content(path)
        if (conflict := markers.parse(content, path)) is not None:
            conflicts[path] = conflict
        elif (revision := reader.parse_revision(content, path)) is not None:
            revisions.append(revision)
    return Files(tuple(revisions), conflicts)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be read: {error.strerror}", hint=f"look at the permissions of {path}"
        ) from error


def resolve(files: Files, *, second: bool, added: frozenset[str]) -> Folder:
    """The folder with every conflict taken apart; the `second` sides stay, or else the first.

    `added` are names of files that both branches made, as far as git knows. Raises HistoryError where both
    sides changed what one migration does: what it is to do is not ours to choose.
    """
    revisions = list(files.revisions)
    sources: dict[Path, Source] = {}
    notes: list[str] = []
    for path, conflict in files.conflicts.items():
        for revision, source, note in _taken_apart(path, conflict, second, added):
            revisions.append(revision)
            sources[revision.path] = source
            notes += [note] if note else []
    return Folder(tuple(revisions), sources, tuple(notes))


def _taken_apart(
    path: Path,
    conflict: Conflict,
    second: bool,
    added: frozenset[str],
) -> Iterator[tuple[Revision, Source, str]]:
    stays, moves = conflict.side(second=second), conflict.side(second=not second)
    one, other = _revision(stays, path), _revision(moves, path)
    if without_header(stays, path) == without_header(moves, path):
        note = f"{path.name} is one migration, and the conflict only about its place"
        yield one, Source(path, stays), note
        return
    if not _are_two(one, other, added):
        raise _not_ours_to_choose(path, conflict)
    apart = dataclasses.replace(other, path=path.with_name(f"{path.stem} (the other).py"))
    yield one, Source(path, stays), f"{path.name} is two migrations, and one of them gets a file of its own"
    yield apart, Source(path, moves, apart=True), ""


def _revision(source: bytes, path: Path) -> Revision:
    found = reader.parse_revision(source, path)
    if found is None:
        raise HistoryError(f"{path} is in conflict and no migration", hint="resolve it by hand")
    return found


def _are_two(one: Revision, other: Revision, added: frozenset[str]) -> bool:
    if None not in (one.created, other.created):
        return one.created != other.created
    return one.id != other.id or one.path.name in added


def _not_ours_to_choose(path: Path, conflict: Conflict) -> HistoryError:
    before = without_header(conflict.side(second=False), path)
    lines = [
        each.lines for each in conflict.hunks if _without_header(conflict.first_but(each), path) != before
    ]
    shown = ", ".join(f"{first}-{last}" for first, last in lines)
    return HistoryError(
        f"{path}, lines {shown}: both branches changed what this migration does",
        hint="resolve these lines by hand, and run this again: its place in the history is then put right",
    )


def _without_header(source: bytes, path: Path) -> bytes | None:
    try:
        return without_header(source, path)
    except HistoryError:
        # A hunk alone need not make a whole file.
        return None
