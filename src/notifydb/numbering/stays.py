"""Which of two branches stays below: what was told, else what git is in the middle of, else the main branch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from notifydb.errors import HistoryError, UsageError
from notifydb.numbering import conflict
from notifydb.numbering.conflict import OnRef, Operation, Unknown
from notifydb.revisions.graph import Revision

# Under these names git keeps the commit that comes to HEAD.
_COMES: Final = {
    Operation.REBASE: "REBASE_HEAD",
    Operation.CHERRY_PICK: "CHERRY_PICK_HEAD",
    Operation.MERGE: "MERGE_HEAD",
    Operation.REVERT: "REVERT_HEAD",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Stays:
    """What keeps its place: ids and file names, and of a conflict the `second` side or the first.

    `onto` are revisions that stay whether or not they are here. `came_with` are the ids that the commit has
    which git is replaying: if one of them is missing here, it has got another id on the way.
    """

    why: str
    ids: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    second: bool = False
    onto: tuple[Revision, ...] = ()
    came_with: frozenset[str] = frozenset()

    @classmethod
    def what_has(cls, why: str, *refs: OnRef, second: bool = False) -> Stays:
        ids = frozenset().union(*(each.ids for each in refs))
        return cls(why, ids, frozenset().union(*(each.files for each in refs)), second)


@dataclasses.dataclass(frozen=True, slots=True)
class Meeting:
    """Two commits that git is bringing together: `head` is the first side of a conflict, `other` the second."""

    operation: Operation
    head: OnRef | Unknown
    other: OnRef | Unknown

    def is_on_second(self, ids: frozenset[str]) -> bool | None:
        """Whether the second side has all of `ids` and the first has not, or vice versa; else None."""
        first, second = (isinstance(each, OnRef) and ids <= each.ids for each in (self.head, self.other))
        return None if first == second else second


def meeting(versions: Path) -> Meeting | None:
    """What git is in the middle of, None if it is not or does not know."""
    operation = conflict.in_progress(versions)
    if operation is None or isinstance(operation, Unknown):
        return None
    head, other = (conflict.revisions_on(each, versions) for each in ("HEAD", _COMES[operation]))
    return Meeting(operation, head, other)


def tops(revisions: Iterable[Revision], kept: frozenset[str]) -> frozenset[str]:
    """The ids of `kept` on which no other of them stands."""
    return kept - {down for each in revisions if each.id in kept for down in each.down_revisions}


def onto_ref(ref: str, versions: Path, met: Meeting | None, main: OnRef | Unknown) -> Stays:
    """What `ref` and the main branch have stays; UsageError if git cannot read the ref."""
    found = conflict.revisions_on(ref, versions)
    if isinstance(found, Unknown):
        raise UsageError(f"git cannot read the revisions of {ref}: {found.reason}", hint="git branch --all")
    known = (found, main) if isinstance(main, OnRef) else (found,)
    stays = Stays.what_has(f"what {ref} has stays", *known, second=bool(met and met.is_on_second(found.ids)))
    return dataclasses.replace(stays, onto=found.revisions)


def by_operation(met: Meeting, main: OnRef | Unknown, versions: Path, main_branch: str | None) -> Stays:
    """What stays in a merge, rebase or cherry-pick.

    A rebase and a cherry-pick bring commits to HEAD, so HEAD's revisions stay. In a merge the other branch is
    the one that others have seen, unless it comes to the main branch. HistoryError for a revert.
    """
    if met.operation is Operation.REVERT:
        raise HistoryError(
            "git revert takes away a migration that databases may have run, and they could not go on",
            hint='git revert --abort, and then: notifydb migrate new -m "take back ..."',
        )
    if isinstance(met.head, Unknown):
        raise HistoryError(
            f"git is in the middle of a {met.operation}, and HEAD does not tell what stays: {met.head.reason}",
            hint="name the head that moves: notifydb migrate rebase ID",
        )
    if met.operation is Operation.MERGE and isinstance(met.other, OnRef):
        return _in_a_merge(met.head, met.other, main, is_main=_is_main(versions, main_branch))
    stays = Stays.what_has(f"git {met.operation}: what HEAD has stays", met.head)
    return dataclasses.replace(
        stays, came_with=met.other.ids if isinstance(met.other, OnRef) else frozenset()
    )


def _in_a_merge(head: OnRef, other: OnRef, main: OnRef | Unknown, *, is_main: bool) -> Stays:
    in_main = main.ids if isinstance(main, OnRef) else frozenset()
    ours_first = not other.ids <= in_main and (is_main or head.ids <= in_main)
    ours = Stays.what_has("git merge: what HEAD has stays", head)
    theirs = Stays.what_has("git merge: what MERGE_HEAD has stays", other, second=True)
    order = (ours, theirs) if ours_first else (theirs, ours)
    # What the main branch has stays in any case; with two features, it may be on the other one's side.
    seen = (*head.revisions, *other.revisions)
    main_here = in_main & {each.id for each in seen}
    return next((each for each in order if len(tops(seen, each.ids | main_here)) < 2), order[0])


def _is_main(versions: Path, configured: str | None) -> bool:
    current = conflict.current_branch(versions)
    return current in ((configured,) if configured else conflict.MAIN_BRANCHES)
