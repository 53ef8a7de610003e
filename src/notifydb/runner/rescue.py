"""The branch-switch rescue: what the database has run, and the folder has not, comes from its kept source."""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from notifydb import errors
from notifydb.migrator.config import Project
from notifydb.postgres.ledger import Applied
from notifydb.revisions import naming
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.reader import parse_revision
from notifydb.revisions.sources import is_renamed, is_same_upgrade
from notifydb.runner import plan
from notifydb.runner.journal import Part
from notifydb.runner.plan import Restamp
from notifydb.runner.unfinished import half_taken_back

_RESTAMP = "notifydb migrate renumber --restamp"
_OLD_PLACE = "git log --all --oneline -- '*{}*' finds it"


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """A database that may be ahead of the folder, or on another branch.

    `kept` are the applied revisions that the folder does not have, or has with another upgrade(), and
    `sources` their files; `lost` are those that nobody has. `history` is the folder's with the kept ones in
    it; the folder's own if some are lost. `unfinished` is a restamp whose files have moved and whose database
    has not. `room` is how many characters of an id the database's `alembic_version` holds, `parts` what is
    committed of migrations that were cut short, by operation and revision.
    """

    folder: History
    current: tuple[str, ...]
    applied: Mapping[str, Applied]
    kept: Mapping[str, Revision]
    sources: Mapping[str, bytes]
    lost: tuple[str, ...]
    history: History
    unfinished: Restamp | None = None
    hashes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    room: int = naming.MAX_ID
    parts: Mapping[tuple[str, str], Part] = dataclasses.field(default_factory=dict)

    @property
    def edited(self) -> tuple[str, ...]:
        """Applied revisions whose files hold another text now, what does the same or is replaced left out."""
        known = self._applied() & self.hashes.keys() - self.kept.keys()
        return tuple(
            each.id
            for each in self.folder.ordered()
            if each.id in known
            and hashlib.sha256(each.path.read_bytes()).hexdigest() != self.hashes[each.id]
            and not self._does_the_same(each.id)
        )

    @property
    def unknown(self) -> tuple[str, ...]:
        """What `alembic_version` holds and no file has."""
        return tuple(each for each in self.current if each not in self.folder.revisions)

    @property
    def replaced(self) -> tuple[str, ...]:
        """Applied ids whose files here have another upgrade(), or another parent."""
        return tuple(each for each in self.kept if each in self.folder.revisions)

    def foreign(self) -> tuple[Revision, ...]:
        """What has to be taken back, newest first: what is kept, and what was applied on top of it."""
        kept = set(self.kept)
        return tuple(
            each
            for each in reversed(self.history.ordered())
            if each.id in self._applied() and not kept.isdisjoint({each.id, *self.history.ancestors(each.id)})
        )

    def rest(self) -> tuple[str, ...]:
        """What `alembic_version` holds when all that is foreign is taken back."""
        return plan.ends(self.history, self._applied() - {each.id for each in self.foreign()})

    def renames(self) -> dict[str, str] | None:
        """The kept ids and what they are in the folder; None if one of them is not there."""
        found = {each.id: self._name_here(each) for each in self.kept.values()}
        return None if None in found.values() else {old: new for old, new in found.items() if new}

    def refusal(self) -> errors.HistoryError | None:
        """Why nothing but a downgrade can be done here, and the command that mends it; None if all is known."""
        if self.unfinished is not None:
            return errors.HistoryError(
                f"a restamp was cut short: {_listed(self.unfinished.rows)} in the database "
                f"is {_listed(self.unfinished.becomes)} here",
                hint=_RESTAMP,
            )
        return self._unknown() if self.unknown else None

    def half_taken_back(self) -> errors.MigrationFailed | None:
        """What a downgrade that was cut short has left half done, and the command that goes on; None if nothing."""
        return half_taken_back(self.history, self.current, self.parts)

    def _unknown(self) -> errors.HistoryError:
        at = f"the database is at {_listed(self.unknown)}, and no file here has that revision id"
        if self.lost:
            kept = (
                "" if set(self.lost) == set(self.unknown) else f", nor is {_listed(self.lost)} below it kept"
            )
            place = _OLD_PLACE.format(self.lost[0])
            return errors.HistoryError(
                at + kept,
                hint=f"switch to the branch that has it ({place}) and downgrade there, "
                "or deploy the code that brought it",
            )
        if renames := self.renames():
            here = _listed(tuple(renames[each] for each in self.unknown))
            return errors.HistoryError(f"{at}; the same migration is {here} here", hint=_RESTAMP)
        last = self.applied[self.unknown[0]]
        by = f"it was applied at {last.finished_at:%Y-%m-%d %H:%M:%S} by {last.runner}"
        if last.source is None:
            return errors.HistoryError(
                f"{at}; {by} and the main branch has it",
                hint="merge the main branch, or: notifydb upgrade --take-back",
            )
        below = self._branch_point()
        alone = f"notifydb downgrade {below} takes it back; " if below else ""
        return errors.HistoryError(
            f"{at}; {by} and its source is kept in the database",
            hint=f"{alone}notifydb upgrade --take-back does that and upgrades",
        )

    def _branch_point(self) -> str | None:
        """The revision under all that is foreign, and nothing else that is applied; None if there is none."""
        foreign = {each.id: each for each in self.foreign()}
        below = {parent for each in foreign.values() for parent in each.down_revisions} - set(foreign)
        others = self._applied() - set(foreign)
        if len(below) > 1 or (others and not below):
            return None
        point = next(iter(below), "base")
        return None if any(point in self.history.ancestors(each) for each in others) else point

    def _applied(self) -> set[str]:
        known = (each for each in self.current if each in self.history.revisions)
        return {each.id for revision in known for each in self.history.chain(revision)}

    def _does_the_same(self, revision: str) -> bool:
        """Whether the source that was applied is known, and has the same upgrade()."""
        applied = self.applied.get(revision)
        kept = _parsed(revision, applied.source) if applied is not None and applied.source else None
        return bool(
            kept and applied and applied.source
            and is_same_upgrade(kept, applied.source, self.folder.revisions[revision])
        )  # fmt: skip

    def _name_here(self, kept: Revision) -> str | None:
        source = self.sources[kept.id]
        here = self.folder.revisions.get(kept.id)
        if here is not None and kept.created is not None and kept.created == here.created:
            # Edited since it was applied, which makes it no other migration.
            return here.id
        found = [each.id for each in self.folder.ordered() if is_renamed(kept, source, each)]
        return found[0] if len(found) == 1 else None

    @contextmanager
    def opened(self, project: Project) -> Iterator[tuple[Project, History]]:
        """The project and its history with the kept files in it, for the block, in a temporary folder.

        All else is linked into it, from the root down: a migration may read what lies around it.
        """
        top = project.root if project.versions.is_relative_to(project.root) else project.script_location
        within = project.versions.relative_to(top)
        hidden = {self.folder.revisions[each].path.name for each in self.replaced}
        with tempfile.TemporaryDirectory(prefix="notifydb-rescue-") as folder:
            copy = Path(folder) / "project"
            _link(top, copy, within.parts, hidden)
            versions = copy / within
            kept = {}
            for each in self.kept.values():
                path = versions / f"{each.id}.kept.py"
                with path.open("xb") as file:
                    file.write(self.sources[each.id])
                kept[each.id] = dataclasses.replace(each, path=path)
            history = History(kept.get(each.id, each) for each in self.history.ordered())
            yield dataclasses.replace(project, script_location=versions.parent), history


def compare(
    folder: History,
    current: tuple[str, ...],
    applied: Mapping[str, Applied],
    shared: Callable[[str], bytes | None] = lambda _: None,
    planned: Mapping[str, Any] | None = None,
    hashes: Mapping[str, str] | None = None,
) -> Standing:
    """Walks down from `current`, over other sources where the folder does not have what was applied.

    `shared` gives the main branch's file of a revision. `planned` are the details of the newest restamp that
    was planned.
    """
    kept: dict[str, Revision] = {}
    sources: dict[str, bytes] = {}
    lost: list[str] = []
    seen: set[str] = set()
    todo = list(current)
    while todo:
        if (each := todo.pop()) in seen:
            continue
        seen.add(each)
        here = folder.revisions.get(each)
        source = _source(applied.get(each), shared if here is None else None)
        found = _parsed(each, source) if source is not None else None
        if found and source and not (here and is_same_upgrade(found, source, here)):
            kept[each], sources[each] = found, source
        if (ran := kept.get(each, here)) is None:
            lost.append(each)
        else:
            todo += ran.down_revisions
            todo += [name for name in ran.depends_on if name in folder.revisions or name in applied]
    if lost:
        kept = {}
    others = (each for each in folder.ordered() if each.id not in kept)
    history = History((*others, *kept.values())) if kept else folder
    unfinished = _unfinished(folder, current, planned) if planned else None
    return Standing(folder, current, applied, kept, sources, tuple(lost), history, unfinished, hashes or {})


def _source(applied: Applied | None, shared: Callable[[str], bytes | None] | None) -> bytes | None:
    """What was applied: kept in the database, or the main branch's file if it is still the same."""
    if applied is None or applied.source is not None or shared is None:
        return applied.source if applied else None
    source = shared(applied.revision)
    is_same = source is not None and hashlib.sha256(source).hexdigest() == applied.source_sha256
    return source if is_same else None


def _parsed(revision: str, source: bytes) -> Revision | None:
    """The revision in a source; None for one that is no file of that id."""
    if not naming.is_legal(revision):
        return None
    try:
        found = parse_revision(source, Path(f"{revision}.kept.py"))
    except errors.HistoryError:
        return None
    return found if found is not None and found.id == revision else None


def _unfinished(folder: History, current: tuple[str, ...], planned: Mapping[str, Any]) -> Restamp | None:
    """The planned restamp, if the database is where it was left and the folder is as it was to be."""
    left = Restamp((), tuple(planned["rows"]), tuple(planned["becomes"]), planned["moved"])
    new = {left.moved.get(row, row) for row in left.rows}
    is_left = set(left.rows) == set(current) != set(left.becomes)
    is_moved = new <= set(folder.revisions) and plan.ends(folder, new) == left.becomes
    return left if is_left and is_moved else None


def _link(folder: Path, copy: Path, within: tuple[str, ...], hidden: set[str]) -> None:
    """Links what is in `folder` into `copy`; what `within` leads to becomes folders, without `hidden`."""
    copy.mkdir()
    left_out = {"__pycache__", *(within[:1] or hidden)}
    for entry in folder.iterdir():
        if entry.name not in left_out:
            (copy / entry.name).symlink_to(entry.absolute())
    if within:
        _link(folder / within[0], copy / within[0], within[1:], hidden)


def _listed(ids: tuple[str, ...]) -> str:
    return " and ".join(ids)
