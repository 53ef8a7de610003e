"""`notifydb upgrade`: brings a database to the head, one migration and one transaction at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.deps import Deps, listener_of
from notifydb.cli.options import DatabaseUrl, DryRun, Format, LockWait, OutputFormat

if TYPE_CHECKING:
    from notifydb.runner.plan import Plan


def upgrade(
    target: Annotated[
        str, typer.Argument(help="An id, its beginning, +N, or heads.", metavar="REVISION")
    ] = "heads",
    dry_run: DryRun = False,
    lock_wait: LockWait = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Run the pending migrations."""
    from notifydb.runner.plan import plan_upgrade
    from notifydb.settings.environment import strictest

    deps = Deps(database_url=database_url, lock_wait=lock_wait)
    if not target.startswith("+"):
        # A target that is not there, or two heads, are told before anything is connected to.
        deps.history.get(target)
    runner = deps.runner(listener_of(deps.console))
    if dry_run:
        report(deps, "upgrade", plan_upgrade(deps.history, runner.current(), target), output, ran=False)
        return
    with deps.console.working("upgrading"):
        plan = runner.upgrade(target, environment=strictest(deps.loaded.voices))
    report(deps, "upgrade", plan, output, ran=True)


def report(deps: Deps, operation: str, plan: Plan, output: OutputFormat, *, ran: bool) -> None:
    """What was run, or would be."""
    if output is OutputFormat.JSON:
        steps = [each.id for each in plan.steps]
        deps.console.json({"operation": operation, "target": plan.target, "ran": ran, "steps": steps})
        return
    if not ran:
        for each in plan.steps:
            deps.console.data(f"would {operation} {each.id}")
    if not plan.steps:
        deps.console.say(f"nothing to do: the database is at {plan.target}", style="green")
    elif ran:
        deps.console.say(f"{len(plan.steps)} done; the database is at {plan.target}", style="green")
