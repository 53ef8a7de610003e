"""`notifydb purge`: plans, and behind the guard deletes, what test users left behind."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
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
    WaitForDatabase,
)
from notifydb.cli.purge_job import PurgeJob

if TYPE_CHECKING:
    from notifydb.purge.execute import How, Purged
    from notifydb.purge.plan import Plan
    from notifydb.settings.model import PurgeSettings

_Prefix = Annotated[str | None, typer.Option("--prefix", help="What the test users' addresses begin with.")]
_Explain = Annotated[
    bool, typer.Option("--explain", help="Show the relations that a purge follows, waives and suspects.")
]
_Suggest = Annotated[
    bool, typer.Option("--suggest-config", help="Write first settings for the schema of this database.")
]
_PlanId = Annotated[
    str | None,
    typer.Option("--plan-id", help="Go on only with the plan of this id, to the row.", metavar="ID"),
]
_Archive = Annotated[
    Path | None,
    typer.Option("--archive", help="The folder in which the archive's own is made.", metavar="DIR"),
]
_NoArchive = Annotated[bool, typer.Option("--no-archive", help="Delete for good: nothing can be restored.")]
_Jobs = Annotated[int | None, typer.Option("--jobs", help="Sessions that delete at the same time.", min=1)]
_MaxRate = Annotated[
    int | None, typer.Option("--max-rate", help="Rows a second that are not to be passed.", min=1)
]
_OlderThan = Annotated[
    str | None, typer.Option("--older-than", help="Only users that are so old.", metavar="2d")
]
_IgnoreCase = Annotated[
    bool | None, typer.Option("--ignore-case", help="Match addresses in whatever case.", show_default=False)
]
_MaxUsers = Annotated[
    int | None, typer.Option("--max-users", help="How many users may match at most.", min=1)
]
_DeleteShared = Annotated[
    list[str] | None,
    typer.Option("--delete-shared", help="A shared service that goes all the same.", metavar="KEY"),
]


def purge(
    prefix: _Prefix = None,
    dry_run: DryRun = False,
    explain: _Explain = False,
    suggest_config: _Suggest = False,
    older_than: _OlderThan = None,
    plan_id: _PlanId = None,
    archive: _Archive = None,
    no_archive: _NoArchive = False,
    jobs: _Jobs = None,
    max_rate: _MaxRate = None,
    max_users: _MaxUsers = None,
    ignore_case: _IgnoreCase = None,
    delete_shared: _DeleteShared = None,
    lock_timeout: LockTimeout = None,
    deadline: Deadline = None,
    wait_for_db: WaitForDatabase = 0,
    confirm: Confirm = None,
    log_format: JobLog = None,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Delete test users and all that is theirs; never in production, never anybody else's."""
    deps = Deps(
        **{
            "database_url": database_url,
            "purge.older_than": older_than,
            "purge.jobs": jobs,
            "purge.max_rate": max_rate,
            "purge.max_users": max_users,
            "purge.ignore_case": ignore_case,
            "purge.delete_shared": delete_shared or None,
            "purge.archive_dir": archive,
            "purge.lock_timeout": lock_timeout,
            "purge.deadline": deadline,
        }
    )
    if explain or suggest_config:
        _look_at_relations(deps, output, suggest=suggest_config)
        return
    if prefix is None:
        raise errors.UsageError(
            "a purge needs a prefix", hint="notifydb purge --prefix notify-tests-preview --dry-run"
        )
    if no_archive and archive is not None:
        raise errors.UsageError("--archive and --no-archive contradict each other")
    job = PurgeJob(deps.console, "purge", as_json=log_format is LogFormat.JSON)
    with job.running():
        deps.wait_for_database(wait_for_db)
        plan, done = _purge(deps, job, prefix, plan_id, confirm, output, dry_run=dry_run, kept=not no_archive)
        code = 1 if dry_run and plan.blockers else 0
        job.purged(plan, done, code)
    if not job.as_json:
        _report(deps, plan, done, output)
    if code:
        raise typer.Exit(code)


def _look_at_relations(deps: Deps, output: OutputFormat, *, suggest: bool) -> None:
    from notifydb.cli.purge_explain import run_explain, run_suggest

    if suggest:
        run_suggest(deps)
    else:
        run_explain(deps, output)


def _purge(
    deps: Deps,
    job: PurgeJob,
    prefix: str,
    plan_id: str | None,
    confirm: str | None,
    output: OutputFormat,
    *,
    dry_run: bool,
    kept: bool,
) -> tuple[Plan, Purged | None]:
    """The plan, and what was done of it, if anything."""
    from notifydb.guard import Operation
    from notifydb.purge.execute import execute

    deps.refuse_early(Operation.PURGE)
    plan = _planned(deps, job, prefix)
    is_talkative = output is OutputFormat.TEXT and not job.as_json
    if is_talkative and (dry_run or not plan.is_empty):
        from notifydb.cli.purge_text import show_plan

        # What forbids it is what it is then refused with.
        show_plan(deps.console, plan, forbidden=dry_run)
    if plan_id is not None and plan.id != plan_id:
        raise errors.Refused(
            "the purge is refused: the plan is not the one that was asked for",
            reasons=(f"asked for is plan {plan_id}, and this is plan {plan.id}",),
            hint="look at it again: --dry-run",
        )
    if dry_run or plan.is_idle:
        return plan, None
    plan.require_unblocked()
    permit = deps.permit(Operation.PURGE, confirm)
    return plan, execute(deps.database.url, permit, plan, _how(deps, plan_id, kept=kept), listen=job.listen)


def _planned(deps: Deps, job: PurgeJob, prefix: str) -> Plan:
    from notifydb.postgres import failures
    from notifydb.postgres.connect import own_engine
    from notifydb.purge.onlooker import Onlooker
    from notifydb.purge.plan import build_plan
    from notifydb.purge.retrying import patiently, terms_of
    from notifydb.purge.session import PLAN

    engine, settings = own_engine(deps.database.url), _settings(deps)

    def attempt() -> Plan:
        with failures.translated(), engine.connect() as conn:
            return build_plan(conn, settings, prefix, listen=job.listen)

    terms = terms_of(settings)
    return patiently(attempt, terms, job.listen, Onlooker(engine, PLAN, terms.lock_timeout))


def _settings(deps: Deps) -> PurgeSettings:
    """With the keys that the history's migrations name protected, where there is a history."""
    import dataclasses

    from notifydb.revisions.literals import uuids_in

    settings = deps.settings.purge
    if not settings.protect_seeded:
        return settings
    try:
        seeded = uuids_in(deps.project.versions)
    except errors.UsageError as error:
        deps.console.say(
            f"warning: which rows migrations load is not known here ({error.message}); "
            "what is protected is what purge.protected lists",
            style="yellow",
        )
        return settings
    return dataclasses.replace(settings, protected=(*settings.protected, *seeded))


def _how(deps: Deps, plan_id: str | None, *, kept: bool) -> How:
    from notifydb.purge.execute import How

    folder = deps.loaded.root / deps.settings.purge.archive_dir if kept else None
    return How(folder, exact=plan_id is not None, lock_wait=deps.settings.lock_wait)


def _spelled(deps: Deps, folders: Iterable[Path | str | None]) -> str:
    """As a shell takes them; a purge that went on has several, and only all of them are restored."""
    import shlex

    return " ".join(shlex.quote(deps.relative(Path(folder))) for folder in folders if folder)


def _report(deps: Deps, plan: Plan, done: Purged | None, output: OutputFormat) -> None:
    console = deps.console
    if output is OutputFormat.JSON:
        deleted = {"rows": done.rows, "seconds": done.seconds, "archive": done.archive} if done else None
        document = {name: value for name, value in plan.to_json().items() if name != "version"}
        console.json({"purged": deleted, "plan": document})
    elif done is not None:
        console.say(f"purged {done.rows:,} rows of {plan.prefix!r} in {done.seconds:.2f} s", style="green")
        folders = [*(each.archive for each in plan.unfinished), done.archive]
        if None not in folders:
            console.say(f"to put them back: notifydb restore {_spelled(deps, folders)}")
    elif plan.is_empty:
        # A job that finds nothing says nothing.
        if console.is_terminal:
            console.say("nothing to purge", style="green")
    else:
        from notifydb.reporters.words import count

        would_go = f"{count(plan.rows, 'row')} in {count(len(plan.tables), 'table')}"
        console.say(f"{would_go} would go; nothing was done", style="cyan")
        if plan.blockers:
            console.say("who owns what, and why: notifydb purge --explain")
        else:
            console.say(f"to purge just this: --plan-id {plan.id}")
