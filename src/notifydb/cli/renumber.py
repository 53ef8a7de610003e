"""`notifydb migrate renumber`: two branches become one line of contiguous numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import DryRun, Format, OutputFormat

if TYPE_CHECKING:
    from notifydb.numbering.conflict import OnRef, Unknown
    from notifydb.numbering.plan import Move, RenumberPlan
    from notifydb.revisions.graph import Revision


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
    start: Annotated[int | None, typer.Option("--from", min=1, help="The first new number.")] = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Put the migrations into one line: what is on the main branch stays, what is new follows it."""
    from notifydb.revisions import changes

    deps = Deps()
    plan = _plan(deps, keep or [], onto, all_=all_, start=start)
    moves = not check and not dry_run and bool(plan)
    if moves:
        changes.apply(plan.changes)
    _report(deps, plan, output, moved=moves, diff=dry_run)
    if check and plan:
        raise typer.Exit(1)


def _plan(deps: Deps, keep: list[str], onto: str | None, *, all_: bool, start: int | None) -> RenumberPlan:
    from notifydb.numbering import conflict
    from notifydb.numbering.plan import plan_renumber

    revisions = deps.revisions
    versions = deps.project.versions
    main = conflict.main_branch(versions, deps.settings.main_branch)
    on_main = conflict.revisions_on(main, versions) if isinstance(main, str) else main
    elsewhere = _known(conflict.revisions_on(onto, versions), onto) if onto else None
    stays = _with_ancestors([_resolve(name, [each.id for each in revisions]) for name in keep], revisions)
    plan = plan_renumber(
        revisions,
        width=deps.settings.number_width,
        start=start,
        keep=stays | (on_main.ids if isinstance(on_main, conflict.OnRef) else frozenset()),
        kept_files=on_main.files if isinstance(on_main, conflict.OnRef) else frozenset(),
        onto=elsewhere.revisions if elsewhere else (),
        all_=all_,
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


def _with_ancestors(ids: list[str], revisions: tuple[Revision, ...]) -> frozenset[str]:
    """What is applied somewhere stands on what is applied there, too."""
    parents = {each.id: each.down_revisions for each in revisions}
    found: set[str] = set()
    todo = list(ids)
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += parents.get(each, ())
    return frozenset(found)


def _report(deps: Deps, plan: RenumberPlan, output: OutputFormat, *, moved: bool, diff: bool) -> None:
    if output is OutputFormat.JSON:
        deps.console.json(
            {"moved": moved, "head": plan.head, "moves": [_row(deps, each) for each in plan.moves]}
        )
        return
    if not plan:
        deps.console.say(f"nothing to do: one line up to {plan.head or 'base'}", style="green")
        return
    if diff:
        deps.console.data(str(plan.changes).rstrip("\n"))
        return
    for each in plan.moves:
        arrow = each.new_id if each.old_id == each.new_id else f"{each.old_id} -> {each.new_id}"
        deps.console.data(f"{arrow} (on {each.new_down or 'base'}): {each.reason}")
    if moved:
        deps.console.say(f"one line up to {plan.head}", style="green")
        if plan.renamed:
            deps.console.say(
                "next: a database that applied the old ids has to be told: notifydb stamp", style="cyan"
            )
    else:
        deps.console.say("next: notifydb migrate renumber", style="cyan")


def _row(deps: Deps, move: Move) -> dict[str, object]:
    root = deps.loaded.root
    return {
        "old_id": move.old_id, "new_id": move.new_id,
        "old_path": str(move.old_path.relative_to(root)), "new_path": str(move.new_path.relative_to(root)),
        "old_down": move.old_down, "new_down": move.new_down, "reason": move.reason,
    }  # fmt: skip
