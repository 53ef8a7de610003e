"""`notifydb upgrade`: brings a database to the head, one migration and one transaction at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

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
from notifydb.cli.upgrade_plan import AsPlan, FromHistory, check_options, show_plan
from notifydb.cli.upgrade_sql import AsSql, One, Target, To, target_of, write_sql

if TYPE_CHECKING:
    from notifydb.runner.plan import Plan


def upgrade(
    target: Target = None,
    to: To = None,
    one: One = False,
    ahead: AsPlan = False,
    from_history: FromHistory = None,
    sql: AsSql = False,
    take_back: Annotated[
        bool,
        typer.Option("--take-back", help="First downgrade what was applied and is not in this folder."),
    ] = False,
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
    """Run the pending migrations."""
    from notifydb.guard import Operation
    from notifydb.settings.environment import strictest

    deps = Deps.for_job(database_url, lock_wait, lock_timeout, deadline, cancel_blockers, log_format)
    job = Job(deps.console, "upgrade", as_json=deps.logs_json)
    target = target_of(target, to, one=one)
    check_options({"--plan": ahead, "--sql": sql, "--take-back": take_back}, from_history)
    if ahead or sql:
        show_plan(deps, target, from_history, output) if ahead else write_sql(deps, target)
        return
    with job.running():
        if not target.startswith("+"):
            # A target that is not there, or two heads, are told before anything is connected to.
            deps.history.get(target)
        deps.wait_for_database(wait_for_db, job.waits_for_database)
        runner = deps.job_runner(job.listen, confirm=confirm, from_start=from_start, dry=dry_run)
        job.asks(runner.current)
        if dry_run or take_back:
            plan = runner.plan_upgrade(target, take_back=take_back)
        if not dry_run:
            permit = deps.permit(Operation.DOWNGRADE, confirm) if take_back and plan.taken_back else None
            plan = runner.upgrade(target, environment=strictest(deps.loaded.voices), take_back=permit)
            job.done(plan.place)
    if dry_run or not deps.logs_json:
        report(deps, "upgrade", plan, output, ran=not dry_run)


def report(deps: Deps, operation: str, plan: Plan, output: OutputFormat, *, ran: bool) -> None:
    """What was run, or would be."""
    if output is OutputFormat.JSON:
        document = {"operation": operation, "target": plan.target, "at": list(plan.rows), "ran": ran}
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
        deps.console.say(f"nothing to do: the database is at {plan.place}", style="green")
    elif ran:
        deps.console.say(f"{back}{len(plan.steps)} done; the database is at {plan.place}", style="green")
