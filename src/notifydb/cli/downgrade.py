"""`notifydb downgrade`: takes migrations back, where the guard permits it."""

from __future__ import annotations

from typing import Annotated

import typer

from notifydb.cli.deps import Deps, listener_of
from notifydb.cli.options import Confirm, DatabaseUrl, DryRun, Format, LockWait, OutputFormat
from notifydb.cli.upgrade import report


def downgrade(
    target: Annotated[
        str,
        typer.Argument(
            help="The revision to go back to: an id, its beginning, -N, or base.", metavar="REVISION"
        ),
    ],
    confirm: Confirm = None,
    dry_run: DryRun = False,
    lock_wait: LockWait = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Take back the migrations above a revision."""
    from notifydb.guard import Operation

    deps = Deps(database_url=database_url, lock_wait=lock_wait)
    runner = deps.runner(listener_of(deps.console))
    plan = runner.plan_downgrade(target)
    if dry_run or not plan.steps:
        report(deps, "downgrade", plan, output, ran=False)
        return
    permit = deps.permit(Operation.DOWNGRADE, confirm)
    with deps.console.working("downgrading"):
        plan = runner.downgrade(target, permit)
    report(deps, "downgrade", plan, output, ran=True)
