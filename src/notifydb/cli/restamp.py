"""`--restamp` of `migrate renumber` and `migrate rebase`: a database that applied what moves follows it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli import moves
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from notifydb.numbering.git import Unknown
    from notifydb.numbering.plan import Move, RenumberPlan
    from notifydb.revisions.graph import History, Revision
    from notifydb.runner.plan import Restamp

Restamps = Annotated[
    bool, typer.Option("--restamp", help="Let the database follow, if it has applied what moves.")
]
_NOTHING = "nothing to restamp: the database has applied none of what moves"


@dataclasses.dataclass(frozen=True, slots=True)
class Done:
    """The paths staged in git, None where no file was changed; how the database followed, None where not.

    `asked` tells whether it was to follow.
    """

    staged: tuple[Path, ...] | Unknown | None = None
    restamp: Restamp | None = None
    asked: bool = False

    @property
    def rows(self) -> list[str] | None:
        """What the version table holds now, where this has changed it."""
        return list(self.restamp.becomes) if self.restamp else None


def carry_out(
    deps: Deps, plan: RenumberPlan, *, edited: bool, restamp: bool, confirm: str | None, only_show: bool
) -> Done:
    """Makes the plan's changes as `moves.carry_out` does; with `restamp`, the database follows.

    Raises Refused where the guard does, HistoryError where the database cannot follow; both before any change.
    """
    if only_show:
        if restamp:
            _refuse_what_no_database_can_follow(plan)
            _show(deps, plan)
        return Done()
    if not restamp:
        return Done(moves.carry_out(deps, plan, edited=edited) if plan else None)
    if not edited:
        moves.refuse_edits(deps, plan)
    _refuse_what_no_database_can_follow(plan)
    if plan and not _is_readable(deps):
        return _files_first(deps, plan, confirm)
    return _with_database(deps, plan, confirm)


def tell_next(deps: Deps, plan: RenumberPlan, done: Done) -> None:
    """What a database needs that has applied what moved, where none was asked to follow."""
    if not done.asked and any(_is_elsewhere(each) for each in plan.moves):
        deps.console.say(
            "a database that applied what moved follows with: notifydb migrate renumber --restamp",
            style="dim",
        )


def _with_database(deps: Deps, plan: RenumberPlan, confirm: str | None) -> Done:
    from notifydb.guard import Operation
    from notifydb.runner.restamp import restamp

    staged: list[tuple[Path, ...] | Unknown] = []

    def move() -> None:
        if plan:
            staged.append(moves.carry_out(deps, plan, edited=True))

    done = None
    if _planned(deps, plan) is None:
        move()
        deps.console.say(_NOTHING)
    else:
        from notifydb.cli.narration import told_to

        permit = deps.permit(Operation.RESTAMP, confirm)
        done = restamp(deps.runner(told_to(deps.console)), *_after(deps, plan), permit, move)
    if done is not None:
        deps.console.say(f"restamped: the database is at {', '.join(done.becomes)}", style="green")
    return Done(staged[0] if staged else None, done, asked=True)


def _files_first(deps: Deps, plan: RenumberPlan, confirm: str | None) -> Done:
    """Where git left conflicts inside of migrations, there is nothing that could run before they are resolved."""
    staged = moves.carry_out(deps, plan, edited=True)
    resolved = dataclasses.replace(plan, moves=(), changes=dataclasses.replace(plan.changes, changes=()))
    return dataclasses.replace(_with_database(Deps(**deps.options), resolved, confirm), staged=staged)


def _is_readable(deps: Deps) -> bool:
    try:
        return deps.history is not None
    except errors.HistoryError:
        return False


def _show(deps: Deps, plan: RenumberPlan) -> None:
    if plan and not _is_readable(deps):
        deps.console.say("what the database would do shows once the conflicts are resolved")
        return
    planned = _planned(deps, plan)
    if planned is None:
        deps.console.say(_NOTHING)
        return
    for each in planned.first:
        deps.console.say(f"would upgrade {each.id}")
    deps.console.say(f"would restamp {', '.join(planned.rows)} as {', '.join(planned.becomes)}")


def _refuse_what_no_database_can_follow(plan: RenumberPlan) -> None:
    if plan.ambiguous:
        raise errors.HistoryError(
            f"two files have the id {', '.join(sorted(plan.ambiguous))}, and the database does not tell which "
            "of them it has applied",
            hint="run this without --restamp, and then: notifydb upgrade --take-back",
        )
    if plan.absent is not None:
        raise errors.HistoryError(
            f"{plan.absent} is not in this folder, so the database cannot apply it",
            hint="merge first, and then: notifydb migrate renumber --restamp",
        )


def _planned(deps: Deps, plan: RenumberPlan) -> Restamp | None:
    from notifydb.runner.restamp import plan as plan_restamp

    return plan_restamp(deps.runner(lambda _: None).standing(), *_after(deps, plan))


def _after(deps: Deps, plan: RenumberPlan) -> tuple[History, dict[str, str]]:
    """The history as the plan makes it, and what it calls the revisions that it renames or puts elsewhere."""
    from notifydb.revisions.graph import History

    found = {each.old_id: each for each in plan.moves}
    after = [_moved(each, found) if each.id in found else each for each in deps.history.ordered()]
    return History(after), {each.old_id: each.new_id for each in plan.moves if _is_elsewhere(each)}


def _moved(revision: Revision, moves_by_id: Mapping[str, Move]) -> Revision:
    move = moves_by_id[revision.id]
    return dataclasses.replace(
        revision,
        id=move.new_id,
        path=move.new_path,
        down_revisions=(move.new_down,) if move.new_down else (),
        depends_on=tuple(
            moves_by_id[name].new_id if name in moves_by_id else name for name in revision.depends_on
        ),
    )


def _is_elsewhere(move: Move) -> bool:
    return (move.old_id, move.old_down) != (move.new_id, move.new_down)
