"""A branch of migrations moves on top of the other one, in or out of a conflict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from notifydb.errors import HistoryError, UsageError
from notifydb.numbering import chosen, conflict, folder, stays
from notifydb.numbering.conflict import OnRef, Operation, Unknown
from notifydb.numbering.folder import Files, Folder, Source
from notifydb.numbering.plan import RenumberPlan, plan_renumber
from notifydb.numbering.stays import Stays
from notifydb.revisions import headfile
from notifydb.revisions.graph import Revision
from notifydb.revisions.rewrite import rewrite, without_header


@dataclasses.dataclass(frozen=True, slots=True)
class RebasePlan:
    """The moves as a RenumberPlan, what told that it is these, and in words which conflicts they resolve.

    `operation` is what git is in the middle of, and waits to be continued.
    """

    line: RenumberPlan
    why: str
    notes: tuple[str, ...] = ()
    operation: Operation | None = None

    def __bool__(self) -> bool:
        return bool(self.line)


def plan_rebase(
    versions: Path,
    *,
    heads: Sequence[str] = (),
    onto: str | None = None,
    main_branch: str | None = None,
    width: int = 4,
    head_file: str = headfile.HEAD_FILE,
) -> RebasePlan:
    """What has to move so that the folder holds one line.

    What stays is told by `onto`, a ref; by `heads`, whose own chains move while everything else stays; by the
    merge, rebase or cherry-pick in progress; by the first side of conflict markers; or by the main branch.

    Raises HistoryError if none of them tells, for a revert, for conflicts in what a migration does, and for
    what has no place in one line; UsageError for a head or ref that is not there.
    """
    if onto and heads:
        raise UsageError(
            "a head that moves and a ref that stays are two answers to one question",
            hint="notifydb migrate rebase --onto REF, or notifydb migrate rebase ID",
        )
    files = folder.read_files(versions)
    added = conflict.added_twice(versions)
    met = stays.meeting(versions)
    named = chosen.head_sides(headfile.path_in(versions.parent, head_file))
    if onto:
        told = stays.onto_ref(onto, versions, met, _main(versions, main_branch))
    elif heads:
        told = chosen.all_but(heads, files, added, met, named)
    elif met:
        told = stays.by_operation(met, _main(versions, main_branch), versions, main_branch)
    else:
        told = _by_no_operation(versions, files, added, named, _main(versions, main_branch))
    meant = _put_on_top(folder.resolve(files, second=told.second, added=added), told)
    _refuse_copies(meant, told)
    plan = plan_renumber(
        meant.revisions,
        width=width,
        keep=told.ids,
        kept_files=told.files,
        onto=told.onto,
        head_file=head_file,
        sources=meant.sources,
    )
    return RebasePlan(_as_on_disk(plan, meant), told.why, meant.notes, met.operation if met else None)


def _main(versions: Path, configured: str | None) -> OnRef | Unknown:
    ref = conflict.main_branch(versions, configured)
    return conflict.revisions_on(ref, versions) if isinstance(ref, str) else ref


def _by_no_operation(
    versions: Path, files: Files, added: frozenset[str], named: chosen.Sides | None, main: OnRef | Unknown
) -> Stays:
    if files.conflicts or named:
        # A stash or a patch was applied: it comes to what was committed.
        head = conflict.revisions_on("HEAD", versions)
        if isinstance(head, OnRef):
            return Stays.what_has("the conflict's first side: what HEAD has stays", head)
        return chosen.first_side(files, added, named)
    if isinstance(main, OnRef):
        return Stays.what_has(f"what {main.ref} has stays", main)
    unsure = f"git does not know the main branch ({main.reason})"
    return chosen.all_of_one_line(unsure, files) or Stays(unsure)


def _put_on_top(meant: Folder, told: Stays) -> Folder:
    """A parent that came with the commit and is not here has another id by now, and is below the top."""
    here = {each.id for each in meant.revisions}
    renamed = told.came_with - here
    tops = stays.tops(meant.revisions, told.ids & here)
    lost = [each for each in meant.revisions if not renamed.isdisjoint(each.down_revisions)]
    if len(tops) != 1:
        return meant
    (top,) = tops
    for each in lost:
        meant = _standing_on(top, each, renamed, meant)
    return meant


def _standing_on(top: str, revision: Revision, lost: frozenset[str], meant: Folder) -> Folder:
    """The folder with `revision` on `top` instead of its `lost` parents."""
    down = tuple(top if each in lost else each for each in revision.down_revisions)
    source = meant.sources.get(revision.path) or Source.on_disk(revision.path)
    content = rewrite(source.content, {}, path=source.path, parents=dict.fromkeys(lost, top))
    moved = dataclasses.replace(revision, down_revisions=down)
    note = f"{revision.id} stood on {', '.join(revision.down_revisions)}, which has another id by now"
    return Folder(
        tuple(moved if each is revision else each for each in meant.revisions),
        {**meant.sources, revision.path: dataclasses.replace(source, content=content)},
        (*meant.notes, note),
    )


def _refuse_copies(meant: Folder, told: Stays) -> None:
    """Raise HistoryError for a file that moves though it is a migration that stays, under another id."""
    staying = [each for each in meant.revisions if each.id in told.ids and each.created]
    for each in (one for one in meant.revisions if one.id not in told.ids):
        alike = (one for one in staying if (one.created, one.message) == (each.created, each.message))
        same = next((one for one in alike if _body(one, meant) == _body(each, meant)), None)
        if same is not None:
            raise HistoryError(
                f"{each.path} is the same migration as {same.path.name}, which stays",
                hint=f"git rm {each.path}, and run this again",
            )


def _body(revision: Revision, meant: Folder) -> bytes:
    source = meant.sources.get(revision.path) or Source.on_disk(revision.path)
    return without_header(source.content, revision.path)


def _as_on_disk(plan: RenumberPlan, meant: Folder) -> RenumberPlan:
    """The plan with the files that there are; a migration that is taken apart has none of its own yet."""
    paths = {path: source.path for path, source in meant.sources.items()}
    moves = (
        dataclasses.replace(each, old_path=paths.get(each.old_path, each.old_path)) for each in plan.moves
    )
    return dataclasses.replace(plan, moves=tuple(moves))
