"""`notifydb downgrade`: takes migrations back, where the guard permits it."""

from __future__ import annotations

from typing import Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.job import Job
from notifydb.cli.options import (
    CancelBlockers,
    Confirm,
    DatabaseUrl,
    Deadline,
    DryRun,
    Format,
    FromStart,
    JobLog,
    LockTimeout,
    LockWait,
    OutputFormat,
    WaitForDatabase,
)
from notifydb.cli.upgrade import report


def downgrade(
    target: Annotated[
        str,
        typer.Argument(
            help="The revision to go back to: an id, its beginning, -N, or base.", metavar="REVISION"
        ),
    ],
    from_start: FromStart = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    wait_for_db: WaitForDatabase = 0,
    lock_wait: LockWait = None,
    lock_timeout: LockTimeout = None,
    deadline: Deadline = None,
    cancel_blockers: CancelBlockers = None,
    log_format: JobLog = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Take back the migrations above a revision."""
    from notifydb.guard import Operation

    deps = Deps.for_job(database_url, lock_wait, lock_timeout, deadline, cancel_blockers, log_format)
    job = Job(deps.console, "downgrade", as_json=deps.logs_json)
    with job.running():
        deps.wait_for_database(wait_for_db, job.waits_for_database)
        runner = deps.job_runner(job.listen, confirm=confirm, from_start=from_start, dry=dry_run)
        job.asks(runner.current)
        plan = runner.plan_downgrade(target)
        ran = bool(plan.steps) and not dry_run
        if ran:
            plan = runner.downgrade(target, deps.permit(Operation.DOWNGRADE, confirm))
        if not dry_run:
            job.done(plan.place)
    if dry_run or not deps.logs_json:
        report(deps, "downgrade", plan, output, ran=ran)
