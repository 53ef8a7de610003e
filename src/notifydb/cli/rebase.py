"""`notifydb migrate rebase`: a branch of migrations moves on top of the other one, in or out of a conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import Confirm, DatabaseUrl, DryRun, Edited, Format, LockWait, OutputFormat
from notifydb.cli.restamp import Done, Restamps

if TYPE_CHECKING:
    from notifydb.numbering.rebase import RebasePlan


COMMAND: Final = "notifydb migrate rebase"


def rebase(
    heads: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID]...",
            help="The heads whose branches move; everything else stays. Default: git tells.",
        ),
    ] = None,
    onto: Annotated[
        str | None, typer.Option("--onto", help="What this ref has stays; before a merge, too.")
    ] = None,
    dry_run: DryRun = False,
    edited: Edited = False,
    restamp: Restamps = False,
    confirm: Confirm = None,
    lock_wait: LockWait = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Move a branch of migrations on top of the other one, all or nothing.

    In a git merge the migrations of the branch that comes stay, or those of the main branch if that is where
    you are; in a git rebase and a cherry-pick those that HEAD has; otherwise those of the main branch.
    Conflict markers in migrations and in the head file are taken apart. The result is staged.
    """
    from notifydb.cli import restamp as with_database
    from notifydb.numbering.rebase import plan_rebase

    deps = Deps(database_url=database_url, lock_wait=lock_wait)
    deps.recover()
    settings = deps.settings
    plan = plan_rebase(
        deps.project.versions, heads=heads or (), onto=onto, main_branch=settings.main_branch,
        width=settings.number_width, head_file=settings.head_file,
    )  # fmt: skip
    done = with_database.carry_out(
        deps, plan.line, edited=edited, restamp=restamp, confirm=confirm, only_show=dry_run
    )
    told = [*(heads or ()), *(("--onto", onto) if onto else ())]
    again = " ".join((COMMAND, *told, *(("--restamp",) if restamp else ())))
    _report(deps, plan, output, done, told=told, again=again, diff=dry_run)


def _report(
    deps: Deps,
    plan: RebasePlan,
    output: OutputFormat,
    done: Done,
    *,
    told: list[str],
    again: str,
    diff: bool,
) -> None:
    from notifydb.cli import moves, restamp

    staged = done.staged
    in_index = isinstance(staged, tuple) and bool(staged)
    following = again if staged is None and plan else _next(deps, plan, told, staged=in_index)
    if output is OutputFormat.JSON:
        deps.console.json(
            {
                "moved": staged is not None, "head": plan.line.head, "stays": plan.why,
                "resolved": list(plan.notes), "moves": moves.rows(deps, plan.line.moves),
                "staged": in_index, "restamped": done.rows, "next": following,
            }
        )  # fmt: skip
        return
    if not plan:
        deps.console.say(f"nothing to do: one line up to {plan.line.head or 'base'}", style="green")
    else:
        for line in (plan.why, *plan.notes):
            deps.console.say(line, style="dim")
        if diff:
            deps.console.data(plan.line.changes.diff(deps.loaded.root).rstrip("\n"))
        else:
            moves.tell_moves(deps, plan.line.moves)
    if staged is not None:
        moves.tell_done(deps, plan.line, staged)
        restamp.tell_next(deps, plan.line, done)
    if following:
        deps.console.say(f"next: {following}", style="cyan")


def _next(deps: Deps, plan: RebasePlan, told: list[str], *, staged: bool) -> str | None:
    """The command that comes next: git's, where git waits; `told` are this command's own arguments."""
    from notifydb.numbering import conflict
    from notifydb.numbering.conflict import Operation

    if plan.operation is None:
        commit = "git commit" if staged else None
        return f"git commit, and then git merge {told[-1]}" if plan.line.absent else commit
    verb = "git commit" if plan.operation is Operation.MERGE else f"git {plan.operation} --continue"
    rest = conflict.unresolved(deps.project.versions)
    return f"resolve and git add {', '.join(rest)}; then {verb}" if rest else verb
