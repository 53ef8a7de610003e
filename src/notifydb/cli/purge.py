"""`notifydb purge`: plans, and behind the guard deletes, what test users left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import Confirm, DatabaseUrl, DryRun, Format, OutputFormat

if TYPE_CHECKING:
    from notifydb.cli.console import Console
    from notifydb.purge.events import Listener
    from notifydb.purge.execute import Purged
    from notifydb.purge.plan import Plan


def purge(
    prefix: Annotated[str, typer.Option("--prefix", help="What the test users' addresses begin with.")],
    dry_run: DryRun = False,
    confirm: Confirm = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Delete test users and all that is theirs; never in production, never anybody else's."""
    from notifydb.guard import Operation
    from notifydb.postgres import failures
    from notifydb.postgres.connect import make_engine
    from notifydb.purge.execute import execute
    from notifydb.purge.plan import build_plan

    deps = Deps(database_url=database_url)
    deps.refuse_early(Operation.PURGE)
    engine = make_engine(deps.database.url, application_name="notifydb purge")
    with failures.translated(), engine.connect() as conn:
        with deps.console.working("planning"):
            plan = build_plan(conn, deps.settings.purge, prefix, listen=listener_of(deps.console))
        if output is OutputFormat.TEXT:
            show_plan(deps.console, plan)
        done = None
        if not dry_run and not plan.is_empty:
            plan.require_unblocked()
            permit = deps.permit(Operation.PURGE, confirm)
            with deps.console.working("purging"):
                done = execute(conn, permit, plan, listen=listener_of(deps.console))
    _report(deps.console, plan, done, output)
    if dry_run and plan.blockers:
        raise typer.Exit(1)


def listener_of(console: Console) -> Listener:
    """Tells what a purge does: live what it reads, a line for what it deletes."""
    from notifydb.purge import events

    def listen(event: events.Event) -> None:
        match event:
            case events.Reading(table=table):
                console.progress(f"reading {table}")
            case events.Detached(relation=relation, rows=rows):
                console.say(f"detached {rows:,} rows: {relation}")
            case events.Deleting(table=table, rows=rows):
                console.progress(f"deleting {rows:,} rows of {table}")
            case events.Deleted(table=table, rows=rows, seconds=seconds):
                console.say(f"deleted {rows:,} rows of {table} ({seconds:.2f} s)")
            case events.Proved(tables=tables):
                console.say(f"proved: no row left over and no orphan in {tables} tables")
            case events.Committed():
                console.say("committed")

    return listen


def show_plan(console: Console, plan: Plan) -> None:
    """What would go and why, what stays and why, and what forbids it."""
    from notifydb.reporters.base import bytes_of

    console.data(f"{plan.matched:,} rows of {plan.root} match {plan.prefix!r} in database {plan.database}")
    for example in plan.examples[:3]:
        console.data(f"  {example}")
    if not plan.is_empty:
        console.data(f"{'rows':>10}  {'size':>9}  table and the path to it")
    for table in plan.tables:
        path = f"  ({' > '.join(table.path)})" if len(table.path) > 1 else ""
        console.data(f"{table.rows:>10,}  {bytes_of(table.bytes):>9}  {table.table}{path}")
    for standing in plan.standing:
        console.data(f"  stays: {standing.rows:,} rows through {standing.relation}: {standing.policy}")
    for group in plan.shared:
        console.data(f"  stays: {group.table} {group.key}: shared with {group.staying:,} others")
    for kept in plan.kept:
        console.data(f"  stays: {kept.table} {kept.label}: {kept.reason}")
    for warning in plan.warnings:
        console.say(f"warning: {warning}", style="yellow")
    for blocker in plan.blockers:
        console.say(f"blocked: {blocker}", style="bold red")


def _report(console: Console, plan: Plan, done: Purged | None, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        deleted = {"rows": done.rows, "seconds": done.seconds} if done else None
        document = {name: value for name, value in plan.to_json().items() if name != "version"}
        console.json({"purged": deleted, "plan": document})
    elif done is not None:
        console.say(f"purged {done.rows:,} rows of {plan.prefix!r} in {done.seconds:.2f} s", style="green")
    elif plan.is_empty:
        console.say("nothing to purge", style="green")
    else:
        console.say(
            f"{plan.rows:,} rows in {len(plan.tables)} tables would go; nothing was done", style="cyan"
        )
