"""`notifydb migrate renumber`: two branches become one line of contiguous numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import Confirm, DatabaseUrl, DryRun, Edited, Format, LockWait, OutputFormat
from notifydb.cli.restamp import Done, Restamps

if TYPE_CHECKING:
    from notifydb.numbering.conflict import OnRef
    from notifydb.numbering.git import Unknown
    from notifydb.numbering.plan import RenumberPlan


def renumber(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if something would move.")
    ] = False,
    dry_run: DryRun = False,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", help="A revision that keeps its id: it is applied somewhere."),
    ] = None,
    onto: Annotated[
        str | None, typer.Option("--onto", help="Stand on this ref's revisions, before a merge.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Number every revision anew, applied or not.")] = False,
    start: Annotated[
        int | None,
        typer.Option(
            "--from",
            min=1,
            help="The first new number; with --all, what stands below the first revision that is numbered so"
            " or higher keeps its id.",
        ),
    ] = None,
    width: Annotated[
        int | None, typer.Option("--width", min=1, max=6, help="Digits of a number; default: the setting.")
    ] = None,
    edited: Edited = False,
    restamp: Restamps = False,
    confirm: Confirm = None,
    lock_wait: LockWait = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Put the migrations into one line: what is on the main branch stays, what is new follows it.

    File name, id, parent and docstring change by position, and no other byte. The head file is written,
    and made where there is none; git's index follows as after `git mv`.
    """
    from notifydb.cli import restamp as with_database

    deps = Deps(number_width=width, database_url=database_url, lock_wait=lock_wait)
    plan = _plan(deps, keep or [], onto, all_=all_, start=start)
    done = with_database.carry_out(
        deps, plan, edited=edited, restamp=restamp, confirm=confirm, only_show=check or dry_run
    )
    _report(deps, plan, output, done, diff=dry_run)
    if check and plan:
        raise typer.Exit(1)


def _plan(deps: Deps, keep: list[str], onto: str | None, *, all_: bool, start: int | None) -> RenumberPlan:
    from notifydb.numbering import conflict, line
    from notifydb.numbering.plan import plan_renumber

    revisions = deps.revisions
    versions = deps.project.versions
    main = conflict.main_branch(versions, deps.settings.main_branch)
    on_main = conflict.revisions_on(main, versions) if isinstance(main, str) else main
    elsewhere = _known(conflict.revisions_on(onto, versions), onto) if onto else None
    # What is applied somewhere stands on what is applied there, too.
    stays = line.with_ancestors([_resolve(name, [each.id for each in revisions]) for name in keep], revisions)
    plan = plan_renumber(
        revisions,
        width=deps.settings.number_width,
        start=start,
        keep=stays | (on_main.ids if isinstance(on_main, conflict.OnRef) else frozenset()),
        kept_files=on_main.files if isinstance(on_main, conflict.OnRef) else frozenset(),
        onto=elsewhere.revisions if elsewhere else (),
        all_=all_,
        head_file=deps.settings.head_file,
    )
    if plan and isinstance(on_main, conflict.Unknown) and not (stays or all_):
        deps.console.say(f"git does not know the main branch ({on_main.reason})", style="dim")
    return plan


def _known(on_ref: OnRef | Unknown, ref: str) -> OnRef:
    from notifydb.numbering.conflict import Unknown

    if isinstance(on_ref, Unknown):
        raise errors.UsageError(f"git cannot read the revisions of {ref}: {on_ref.reason}")
    return on_ref


def _resolve(name: str, ids: list[str]) -> str:
    """An id may be on two files here, which is what a renumber mends; so not through the History."""
    found = {each for each in ids if each == name} or {each for each in ids if each.startswith(name)}
    if len(found) != 1:
        raise errors.UsageError(
            f"--keep {name}: {'several revisions begin so' if found else 'no such revision'}"
        )
    return found.pop()


def _report(deps: Deps, plan: RenumberPlan, output: OutputFormat, done: Done, *, diff: bool) -> None:
    from notifydb.cli import moves, restamp

    staged = done.staged
    if output is OutputFormat.JSON:
        document = {"moved": staged is not None, "head": plan.head, "moves": moves.rows(deps, plan.moves)}
        is_staged = bool(staged) and isinstance(staged, tuple)
        deps.console.json({**document, "staged": is_staged, "restamped": done.rows})
        return
    if not plan:
        deps.console.say(f"nothing to do: one line up to {plan.head or 'base'}", style="green")
        return
    if diff:
        deps.console.data(plan.changes.diff(deps.loaded.root).rstrip("\n"))
        return
    moves.tell_moves(deps, plan.moves)
    if not plan.moves:
        deps.console.data(f"the head file has to name {plan.head}")
    if staged is None:
        deps.console.say("next: notifydb migrate renumber", style="cyan")
        return
    moves.tell_done(deps, plan, staged)
    restamp.tell_next(deps, plan, done)
