"""`notifydb upgrade`: brings a database to the head, one migration and one transaction at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.deps import Deps, listener_of
from notifydb.cli.options import Confirm, DatabaseUrl, DryRun, Format, LockWait, OutputFormat

if TYPE_CHECKING:
    from notifydb.runner.plan import Plan


def upgrade(
    target: Annotated[
        str, typer.Argument(help="An id, its beginning, +N, or heads.", metavar="REVISION")
    ] = "heads",
    take_back: Annotated[
        bool,
        typer.Option("--take-back", help="First downgrade what was applied and is not in this folder."),
    ] = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    lock_wait: LockWait = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Run the pending migrations."""
    from notifydb.guard import Operation
    from notifydb.settings.environment import strictest

    deps = Deps(database_url=database_url, lock_wait=lock_wait)
    if not target.startswith("+"):
        # A target that is not there, or two heads, are told before anything is connected to.
        deps.history.get(target)
    runner = deps.runner(listener_of(deps.console))
    if dry_run or take_back:
        plan = runner.plan_upgrade(target, take_back=take_back)
    if dry_run:
        report(deps, "upgrade", plan, output, ran=False)
        return
    permit = deps.permit(Operation.DOWNGRADE, confirm) if take_back and plan.taken_back else None
    with deps.console.working("upgrading"):
        plan = runner.upgrade(target, environment=strictest(deps.loaded.voices), take_back=permit)
    report(deps, "upgrade", plan, output, ran=True)


def report(deps: Deps, operation: str, plan: Plan, output: OutputFormat, *, ran: bool) -> None:
    """What was run, or would be."""
    if output is OutputFormat.JSON:
        document = {"operation": operation, "target": plan.target, "ran": ran}
        steps, taken_back = ([each.id for each in ids] for ids in (plan.steps, plan.taken_back))
        deps.console.json({**document, "steps": steps, "taken_back": taken_back})
        return
    if not ran:
        for each in plan.taken_back:
            deps.console.data(f"would downgrade {each.id}")
        for each in plan.steps:
            deps.console.data(f"would {operation} {each.id}")
    back = f"{len(plan.taken_back)} taken back, " if plan.taken_back else ""
    if not plan.steps and not back:
        deps.console.say(f"nothing to do: the database is at {plan.target}", style="green")
    elif ran:
        deps.console.say(f"{back}{len(plan.steps)} done; the database is at {plan.target}", style="green")
