"""Where a database stands in the history, and what a command would do to it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

from notifydb import errors
from notifydb.revisions import naming
from notifydb.revisions.graph import History, Revision


@dataclasses.dataclass(frozen=True, slots=True)
class Status:
    """A database against the folder: `unknown` are applied revisions that no file has.

    `is_torn` tells whether `alembic_version` holds several rows that no upgrade leaves side by side.
    """

    current: tuple[str, ...]
    heads: tuple[str, ...]
    pending: tuple[Revision, ...]
    unknown: tuple[str, ...]
    is_torn: bool

    @property
    def at_head(self) -> bool:
        return not self.pending and not self.unknown and set(self.current) == set(self.heads)


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """Revisions in the order they will run, from `current` to `target` (a full id or `base`).

    `rows` is what `alembic_version` holds once they have run: several where that is beside or below a merge.
    `taken_back` are those that an upgrade downgrades first, since the folder does not have them.
    """

    current: tuple[str, ...]
    target: str
    steps: tuple[Revision, ...]
    rows: tuple[str, ...]
    taken_back: tuple[Revision, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(each.id for each in self.steps)

    @property
    def place(self) -> str:
        """Where the database is once they have run, in words."""
        return ", ".join(self.rows) or "base"


@dataclasses.dataclass(frozen=True, slots=True)
class Restamp:
    """How a database follows revisions that moved: `first` runs, then `becomes` replaces `rows`.

    `first` are revisions of the graph before, in order; `rows` is what `alembic_version` holds once they have
    run. `moved` maps the applied ids that moved to what they are after it.
    """

    first: tuple[Revision, ...]
    rows: tuple[str, ...]
    becomes: tuple[str, ...]
    moved: Mapping[str, str]


def status(history: History, current: tuple[str, ...]) -> Status:
    """Compares without raising: a database ahead of the folder is a state, not an error."""
    unknown = tuple(revision for revision in current if revision not in history.revisions)
    applied = _applied(history, current)
    pending = () if unknown else tuple(each for each in history.ordered() if each.id not in applied)
    return Status(current, history.heads, pending, unknown, _is_torn(history, current))


def plan_upgrade(
    history: History, current: tuple[str, ...], target: str = "heads", room: int = naming.MAX_ID
) -> Plan:
    """What `upgrade target` runs; `target` is `heads`, an id, its beginning, or `+N`.

    `room` is how many characters of an id `alembic_version` holds.
    Raises HistoryError when the target, or what the database holds, is not in the folder.
    """
    _check_known(history, current)
    applied = _applied(history, current)
    found, steps = _to_upgrade(history, current, applied, target)
    for each in steps:
        # The stamp would fail after the migration has run, and what left its transaction would stay.
        if len(each.id) > room:
            raise _too_long(each.id, room)
    rows = ends(history, applied.union(each.id for each in steps)) if steps else current
    return Plan(current, found, steps, rows)


def _too_long(revision: str, room: int) -> errors.HistoryError:
    hint = "notifydb migrate renumber --all --from N shortens it by whole words, or rename it by hand"
    if len(revision) <= naming.MAX_ID:
        hint = f"ALTER TABLE alembic_version ALTER version_num TYPE varchar({naming.MAX_ID}); (as Alembic makes it)"
    return errors.HistoryError(
        f"{revision} has {len(revision)} characters; alembic_version holds {room}", hint=hint
    )


def _to_upgrade(
    history: History, current: tuple[str, ...], applied: set[str], target: str
) -> tuple[str, tuple[Revision, ...]]:
    """The target's id, and what leads there."""
    if match := re.fullmatch(r"\+(\d+)", target):
        pending = [each for each in history.ordered() if each.id not in applied]
        count = int(match[1])
        if count > len(pending):
            raise errors.HistoryError(f"{target}: only {len(pending)} migrations are pending")
        steps = tuple(pending[:count])
        return (steps[-1].id if steps else _only(current)), steps
    found = history.get(target)
    if found is None:
        return "base", ()
    if found.id in applied and found.id not in current:
        raise errors.HistoryError(
            f"the database is already past {found.id}", hint=f"notifydb downgrade {found.id}"
        )
    return found.id, tuple(each for each in history.chain(found.id) if each.id not in applied)


def plan_downgrade(history: History, current: tuple[str, ...], target: str) -> Plan:
    """What `downgrade target` runs, the newest first; `target` is `base`, an id, its beginning, or `-N`.

    Of an id, that is what stands on it: branches beside it stay, as with Alembic.
    Raises HistoryError when the target is not below the database's revision.
    """
    _check_known(history, current)
    applied = [each for each in history.ordered() if each.id in _applied(history, current)]
    found, steps = _to_downgrade(history, applied, target)
    gone = {each.id for each in steps}
    rows = ends(history, (each.id for each in applied if each.id not in gone)) if steps else current
    return Plan(current, found, steps, rows)


def _to_downgrade(
    history: History, applied: Sequence[Revision], target: str
) -> tuple[str, tuple[Revision, ...]]:
    """The target's id, and what goes, the newest first; `applied` is in order."""
    if match := re.fullmatch(r"-(\d+)", target):
        count = int(match[1])
        if count > len(applied):
            raise errors.HistoryError(f"{target}: only {len(applied)} migrations are applied")
        rest = applied[: len(applied) - count]
        return (rest[-1].id if rest else "base"), tuple(reversed(applied[len(rest) :]))
    found = history.get(target)
    if found is None:
        return "base", tuple(reversed(applied))
    if found.id not in {each.id for each in applied}:
        raise errors.HistoryError(f"{found.id} is not applied", hint="notifydb status")
    return found.id, tuple(each for each in reversed(applied) if found.id in history.ancestors(each.id))


def plan_restamp(
    before: History, after: History, moves: Mapping[str, str], current: tuple[str, ...]
) -> Restamp | None:
    """What makes it true that the database is at its revision in the graph `after`; None if it is already.

    `moves` maps ids of `before` to ids of `after`, for all that is called otherwise or stands elsewhere.
    What lies below the database's revision only in `after` has to run first. `current` is all in `before`.
    Raises HistoryError where that has the id of something else that is applied.
    """
    applied = _applied(before, current)
    moved = {old: new for old, new in moves.items() if old in applied}
    if not moved:
        return None
    old_ids = {new: old for old, new in moves.items()}
    done = {moves.get(each, each) for each in applied}
    wanted = {each.id for revision in current for each in after.chain(moves.get(revision, revision))}
    first = [old_ids.get(each.id, each.id) for each in after.ordered() if each.id in wanted - done]
    if twins := applied.intersection(first):
        raise errors.HistoryError(
            f"{', '.join(sorted(twins))} has to run first, and the database has applied another file of that id",
            hint="notifydb upgrade --take-back",
        )
    rows = ends(before, {*applied, *first})
    becomes = ends(after, {moves.get(each, each) for each in {*applied, *first}})
    return Restamp(tuple(before.revisions[each] for each in first), rows, becomes, moved)


def ends(history: History, among: Iterable[str]) -> tuple[str, ...]:
    """The ids of `among` that none of the others stands on: what `alembic_version` holds for them."""
    ids = set(among)
    tops = [each for each in history.revisions if each in ids and ids.isdisjoint(history.children(each))]
    below = {name for each in tops for name in history.ancestors(each)} if len(tops) > 1 else set()
    return tuple(each for each in tops if each not in below)


def is_backwards(history: History, current: tuple[str, ...], target: str) -> bool:
    """Whether stamping `target` would forget revisions that the database has."""
    found = history.get(target)
    kept = set() if found is None else {each.id for each in history.chain(found.id)}
    return any(revision not in kept for revision in current)


def _applied(history: History, current: tuple[str, ...]) -> set[str]:
    known = [revision for revision in current if revision in history.revisions]
    return {each.id for revision in known for each in history.chain(revision)}


def _only(current: tuple[str, ...]) -> str:
    return current[0] if current else "base"


def _is_torn(history: History, current: tuple[str, ...]) -> bool:
    """Between a branch point and its merge there is a row for each branch; none of them stands on another."""
    return len(current) > max(len(history.heads), 1) and set(ends(history, current)) != set(current)


def _check_known(history: History, current: tuple[str, ...]) -> None:
    if _is_torn(history, current):
        raise errors.HistoryError(
            f"alembic_version holds several rows: {', '.join(current)}",
            hint="find out which one is true, then: notifydb stamp REVISION",
        )
    for revision in current:
        if revision not in history.revisions:
            raise errors.HistoryError(
                f"the database is at {revision}, and no file here has that revision id",
                hint="switch to the branch that has it (git log --all --oneline -- "
                f"'*{revision}*' finds it) and downgrade there, or deploy the code that brought it",
            )
