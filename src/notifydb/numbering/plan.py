"""What has to be renamed, and to stand elsewhere, so that the history is one line of contiguous numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from notifydb.errors import HistoryError, UsageError
from notifydb.numbering import line, twins
from notifydb.numbering.folder import Source
from notifydb.numbering.slugs import renumbered
from notifydb.revisions import headfile, naming
from notifydb.revisions.changes import FileChange, FileChanges
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.rewrite import rewrite

NO_SOURCES: Final[Mapping[Path, Source]] = MappingProxyType({})


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """One revision that gets another id, file name or parent; `down` is None for the first of a history."""

    old_id: str
    new_id: str
    old_path: Path
    new_path: Path
    old_down: str | None
    new_down: str | None
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class RenumberPlan:
    """The moves, bottom first, and what they change on the disk; false if all is in order.

    `head` is the only head afterwards. `absent` is the id that the lowest move stands on if no file here has
    it: with `onto`, it comes with the merge. `ambiguous` are old ids that another file keeps: a database
    stamped with one of them does not tell which of the two it ran.
    """

    moves: tuple[Move, ...]
    changes: FileChanges
    head: str | None
    absent: str | None = None
    ambiguous: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.changes)

    @property
    def renamed(self) -> dict[str, str]:
        """Old id to new id, for databases that have applied them; without the ambiguous ones."""
        changed = (each for each in self.moves if each.old_id != each.new_id)
        return {each.old_id: each.new_id for each in changed if each.old_id not in self.ambiguous}


def plan_renumber(
    revisions: History | Iterable[Revision],
    *,
    width: int = 4,
    start: int | None = None,
    keep: frozenset[str] = frozenset(),
    kept_files: frozenset[str] = frozenset(),
    onto: Iterable[Revision] = (),
    all_: bool = False,
    head_file: str = headfile.HEAD_FILE,
    sources: Mapping[Path, Source] = NO_SOURCES,
) -> RenumberPlan:
    """One line: what is kept stays, what is new follows it, numbered on from the highest kept number.

    `revisions` are those of the folder (`read_revisions`, where ids may repeat, or a History). `keep` are the
    ids on the main branch or applied somewhere, `kept_files` the file names on the main branch, which tell
    two files of one id apart. `onto` are revisions of another ref: they stay, whether or not they are in the
    folder. `start` is the first new number, at least `width` digits wide. With `all_`, every revision is
    numbered anew from 1, the kept ones below; with `start`, only those from the first on that is numbered
    so or higher. `head_file` is the name of the head file beside the folder; empty for none. `sources` are
    the files that are to be read otherwise than the disk has them.

    Raises HistoryError, with the reason, for what has no place in a line (merges, branch labels,
    dependencies across), for two branches that both stay, and if nothing tells which one does.
    """
    here = revisions.ordered() if isinstance(revisions, History) else tuple(revisions)
    ref = tuple(onto)
    elsewhere = _not_here(ref, here)
    if all_ and elsewhere:
        raise UsageError("what is not here cannot be numbered anew", hint="merge first, then number all")
    apart = twins.tell_apart((*here, *elsewhere), _old(here, elsewhere, kept_files, ref))
    history = History(apart.revisions)
    kept = frozenset(history.revisions) & (keep | {each.id for each in ref})
    not_here = frozenset(each.id for each in elsewhere)
    task = _Task(history, apart, kept, not_here, width, start, head_file, sources)
    if all_:
        return task.everything() if start is None else task.everything_from(start)
    return task.what_is_new() if kept else _known_to_be_in_order(task)


def _not_here(ref: Iterable[Revision], here: Iterable[Revision]) -> tuple[Revision, ...]:
    """What `ref` has and the folder has not, under this or, with the same content, another file name."""
    names = {(each.id, each.path.name): each for each in here}
    apart = [each for each in ref if _made_apart(each, names.get((each.id, each.path.name)))]
    contents = {dataclasses.replace(each, path=Path()) for each in here} if apart else set()
    return tuple(each for each in apart if dataclasses.replace(each, path=Path()) not in contents)


def _made_apart(one: Revision, other: Revision | None) -> bool:
    # Two teams can find the same words for the next number; the second they did so tells them apart.
    return other is None or (None not in (one.created, other.created) and one.created != other.created)


def _old(
    here: Iterable[Revision],
    elsewhere: tuple[Revision, ...],
    kept_files: frozenset[str],
    ref: Iterable[Revision],
) -> frozenset[Revision]:
    """The revisions that another branch has: those of the folder by file name, unless it has a namesake."""
    names = kept_files | {each.path.name for each in ref}
    names -= {each.path.name for each in elsewhere}
    return frozenset((*elsewhere, *(each for each in here if each.path.name in names)))


def _known_to_be_in_order(task: _Task) -> RenumberPlan:
    # With no word on what is old, the only safe answer is that nothing has to change.
    heads = task.history.heads
    if len(heads) > 1:
        raise HistoryError(
            f"nothing tells which branch stays: {', '.join(heads)}",
            hint=f"say which one moves: notifydb migrate rebase {' '.join(heads[1:])}",
        )
    plan = task.everything()
    if plan.moves:
        raise HistoryError(
            "nothing tells which revisions are new, and the numbers are not contiguous",
            hint="set main_branch, or number everything anew: notifydb migrate renumber --all",
        )
    return plan


@dataclasses.dataclass(frozen=True, slots=True)
class _Task:
    """What there is to put into one line; ids are keys, which differ from the text for new twins."""

    history: History
    apart: twins.Apart
    kept: frozenset[str]
    elsewhere: frozenset[str]
    width: int
    start: int | None
    head_file: str
    sources: Mapping[Path, Source]

    def what_is_new(self) -> RenumberPlan:
        top = line.top_of(self.history, self.kept)
        new = frozenset(self.history.revisions) - self.kept
        line.refuse_what_cannot_move(self.history, new, top)
        highest = _highest(self.kept)
        if self.start is not None and self.start <= highest:
            raise HistoryError(
                f"numbers up to {highest} are taken, so the new ones cannot start at {self.start}",
                hint=f"start at {highest + 1} or above",
            )
        return self._plan(line.in_line(self.history, new, top), top, self.start or highest + 1)

    def everything(self) -> RenumberPlan:
        return self._plan(self._whole_line(), None, 1)

    def everything_from(self, start: int) -> RenumberPlan:
        whole = self._whole_line()
        numbers = (naming.number_of(self.apart.as_written(key)) for key in whole)
        place = next((at for at, number in enumerate(numbers) if (number or 0) >= start), None)
        if place is None:
            raise UsageError(
                f"no revision is numbered {start} or above, so there is nothing to number anew",
                hint="notifydb migrate renumber --all numbers every one, from 1",
            )
        below, moving = whole[:place], whole[place:]
        line.refuse_branches(self.history, below)
        return self._plan(moving, below[-1] if below else None, start)

    def _whole_line(self) -> list[str]:
        whole = frozenset(self.history.revisions)
        line.refuse_what_cannot_move(self.history, whole, None)
        old = line.in_line(self.history, self.kept)
        return [*old, *line.in_line(self.history, whole - self.kept, old[-1] if old else None)]

    def _plan(self, moving: list[str], top: str | None, first: int) -> RenumberPlan:
        written = {key: self.apart.as_written(key) for key in self.history.revisions}
        named = {
            key: renumbered(self.history.revisions[key], written[key], first + place, self.width)
            for place, key in enumerate(moving)
        }
        ids = {**written, **{key: each.id for key, each in named.items()}}
        below = dict(zip(moving, [top, *moving], strict=False))
        moves = [
            move
            for key in moving
            if (move := self._move(key, ids, below[key], shortened=named[key].shortened)) is not None
        ]
        _refuse_taken_names(moves, {self.history.revisions[key].path for key in self.elsewhere})
        head = ids[moving[-1]] if moving else top
        return RenumberPlan(
            moves=tuple(move for _, move in moves),
            changes=self._changes(moves, ids, head),
            head=head,
            absent=top if moving and top in self.elsewhere else None,
            ambiguous=frozenset(self.apart.written.values()),
        )

    def _move(
        self, key: str, ids: Mapping[str, str], below: str | None, *, shortened: bool
    ) -> tuple[str, Move] | None:
        revision = self.history.revisions[key]
        down = self.apart.as_written(revision.down_revisions[0]) if revision.down_revisions else None
        move = Move(
            old_id=self.apart.as_written(key),
            new_id=ids[key],
            old_path=revision.path,
            new_path=revision.path.with_name(f"{ids[key]}.py"),
            old_down=down,
            new_down=ids[below] if below is not None else None,
            reason="",
        )
        names = {self.apart.as_written(name): ids.get(name) for name in _named_by(revision)}
        follows = [new for old, new in names.items() if new not in (None, old)]
        reasons = _reasons(move, self.apart.taken_by.get(key), shortened=shortened)
        reasons += [f"names {new}" for new in follows if new and not reasons]
        return (key, dataclasses.replace(move, reason=", ".join(reasons))) if reasons else None

    def _changes(
        self, moves: list[tuple[str, Move]], ids: Mapping[str, str], head: str | None
    ) -> FileChanges:
        changes = [self._file_change(key, move, ids) for key, move in moves]
        moving = {move.old_path for _, move in moves}
        changes += [
            source.change(path, source.content) for path, source in self.sources.items() if path not in moving
        ]
        folders = [each.path.parent for each in self.history.ordered() if each.id not in self.elsewhere]
        versions = folders[0] if folders else Path()
        path = headfile.path_in(versions.parent, self.head_file)
        if path is not None and head is not None and (changes or (folders and path.exists())):
            changes.append(headfile.change(path, head))
        return FileChanges(versions, tuple(changes))

    def _file_change(self, key: str, move: Move, ids: Mapping[str, str]) -> FileChange:
        revision = self.history.revisions[key]
        names = (key, *_named_by(revision))
        renames = {self.apart.as_written(name): ids[name] for name in names if name in ids}
        parents = {move.old_down: move.new_down} if move.old_down and move.new_down else {}
        source = self.sources.get(move.old_path) or Source.on_disk(move.old_path)
        changed = rewrite(source.content, renames, path=source.path, parents=parents)
        return source.change(move.new_path, changed)


def _named_by(revision: Revision) -> tuple[str, ...]:
    """The other revisions that it names, besides its parents."""
    return (*revision.depends_on, *revision.replaces)


def _highest(kept: Iterable[str]) -> int:
    ids = list(kept)
    return max((number for each in ids if (number := naming.number_of(each)) is not None), default=len(ids))


def _reasons(move: Move, twin: Path | None, *, shortened: bool) -> list[str]:
    reasons = []
    if twin is not None:
        reasons.append(f"{twin.name} has the same id and stays")
    if move.old_down != move.new_down:
        reasons.append(f"stands on {move.new_down} now")
    elif move.old_id != move.new_id:
        reasons.append("takes the next number")
    if shortened:
        reasons.append(f"cut to {naming.MAX_ID} characters")
    if move.old_path != move.new_path and move.old_id == move.new_id:
        reasons.append("the file is named after the id")
    return reasons


def _refuse_taken_names(moves: list[tuple[str, Move]], others: set[Path]) -> None:
    leaving = {move.old_path for _, move in moves}
    for _, move in moves:
        there = move.new_path.exists() and move.new_path not in leaving
        if there or move.new_path in others:
            raise HistoryError(
                f"{move.old_path} would become {move.new_path.name}, which is another file",
                hint=f"rename {move.new_path.name} after the id in it",
            )
