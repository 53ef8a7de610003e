"""`notifydb restore`: puts back what a purge has deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import (
    Confirm,
    DatabaseUrl,
    Deadline,
    DryRun,
    Format,
    JobLog,
    LockTimeout,
    LogFormat,
    OutputFormat,
)
from notifydb.cli.purge_job import PurgeJob

if TYPE_CHECKING:
    from notifydb.purge.restore import Restoration


def restore(
    folders: Annotated[
        list[Path],
        typer.Argument(
            help="The archive that a purge has told, or all of one that went on.", metavar="FOLDER..."
        ),
    ],
    dry_run: DryRun = False,
    lock_timeout: LockTimeout = None,
    deadline: Deadline = None,
    confirm: Confirm = None,
    log_format: JobLog = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Put back what a purge has deleted: all of it, or nothing."""
    from notifydb.guard import Operation
    from notifydb.purge.archive_read import read_manifest
    from notifydb.purge.restore import restore as put_back
    from notifydb.purge.retrying import terms_of

    options = {"purge.lock_timeout": lock_timeout, "purge.deadline": deadline}
    deps = Deps(database_url=database_url, **options)
    job = PurgeJob(deps.console, "restore", as_json=log_format is LogFormat.JSON)
    with job.running():
        for folder in folders:
            # What is no archive is told before anybody is asked for anything.
            read_manifest(folder)
        permit = deps.refuse_early(Operation.RESTORE)
        if not dry_run:
            permit = deps.permit(Operation.RESTORE, confirm)
        done = put_back(
            deps.database.url,
            permit,
            folders,
            terms_of(deps.settings.purge),
            dry_run=dry_run,
            lock_wait=deps.settings.lock_wait,
            listen=job.listen,
        )
        job.restored(done)
    if not job.as_json:
        _report(deps, done, output)


def _report(deps: Deps, done: Restoration, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        deps.console.json(
            {
                "purges": done.purges,
                "rows": done.rows,
                "tables": dict(done.tables),
                "values": dict(done.values),
                "dry_run": done.dry_run,
                "seconds": done.seconds,
            }
        )
    elif not done.rows and not done.values:
        deps.console.say("nothing to put back: the purge was cut short before it had deleted anything")
    elif done.dry_run:
        deps.console.say(
            f"{done.rows:,} rows in {len(done.tables)} tables would come back; nothing was done", style="cyan"
        )
    else:
        deps.console.say(f"restored {done.rows:,} rows in {done.seconds:.2f} s", style="green")
