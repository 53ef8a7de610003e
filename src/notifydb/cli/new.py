"""`notifydb migrate new`: the next migration, numbered, from the models' difference to the history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import DryRun, Format, OutputFormat

if TYPE_CHECKING:
    from notifydb.autogen.write import NewMigrations
    from notifydb.cli.authoring import Draft
    from notifydb.findings import Report


def new(
    message: Annotated[str, typer.Option("--message", "-m", help="What it does, in a few words.")],
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Only this table, kind (index, column, ...) or table.name."),
    ] = None,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", help="Leave out this table, kind or table.name.")
    ] = None,
    pick: Annotated[bool, typer.Option("--pick", help="Choose from a list, with the arrow keys.")] = False,
    everything: Annotated[
        bool, typer.Option("--everything", help="Trim nothing: noise, and what main differs in, too.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="One migration as Alembic writes it, without the safe forms.")
    ] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Compare nothing; write empty bodies.")] = False,
    data: Annotated[
        bool, typer.Option("--data", help="Compare nothing; write a backfill in batches.")
    ] = False,
    sql: Annotated[
        Path | None,
        typer.Option("--sql", help="Compare nothing; run the statements of this file.", metavar="FILE"),
    ] = None,
    rev_id: Annotated[
        str | None, typer.Option("--rev-id", help="This id instead of the next number and the message.")
    ] = None,
    depends_on: Annotated[
        list[str] | None, typer.Option("--depends-on", help="A revision that has to run before it.")
    ] = None,
    lint: Annotated[bool, typer.Option("--lint/--no-lint", help="Judge what was written at once.")] = True,
    dry_run: DryRun = False,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Write the next migration: what the models have and the history does not make yet."""
    from notifydb.autogen.write import Wanted
    from notifydb.cli import authoring
    from notifydb.revisions import changes

    to_fill_in = empty or data
    if sum((empty, data, sql is not None)) > 1:
        raise errors.UsageError("--empty, --data and --sql exclude each other")
    deps = Deps()
    # Two heads are told before anything is compared.
    _ = deps.history.head
    if empty or data or sql is not None:
        draft = authoring.from_template(sql, data=data)
    else:
        draft = authoring.from_models(
            deps,
            authoring.Choice(
                tuple(only or ()), tuple(skip or ()), pick=pick, everything=everything, plain=plain
            ),
        )
    found = [deps.history.get(each) for each in depends_on or []]
    wanted = Wanted(message, deps.settings.number_width, rev_id, tuple(each.id for each in found if each))
    planned = authoring.planned(deps, draft, wanted) if draft.bodies else None
    report = None
    if planned is not None and not dry_run:
        changes.apply(planned.changes)
        report = authoring.judged(planned) if lint and not to_fill_in else None
    if output is OutputFormat.JSON:
        _as_json(deps, draft, planned, report, written=planned is not None and not dry_run)
    else:
        _show(deps, draft, planned, report, dry_run=dry_run)
        if planned is not None and not dry_run:
            todo = "fill it in, then notifydb lint" if to_fill_in else "read it, then notifydb upgrade"
            deps.console.say(f"next: {todo}", style="cyan")


def _as_json(
    deps: Deps, draft: Draft, planned: NewMigrations | None, report: Report | None, *, written: bool
) -> None:
    made = [
        {"revision": each.revision, "path": deps.relative(each.path)}
        for each in (planned.migrations if planned else ())
    ]
    first = made[0] if made else {"revision": None, "path": None}
    deps.console.json(
        {
            **first,
            "migrations": made,
            "written": written,
            "differences": [each.description for each in draft.changes],
            "left": [{"description": each.change.description, "reason": each.reason} for each in draft.left],
            "notes": list(draft.notes),
            "findings": None if report is None else len(report.findings),
        }
    )


def _show(
    deps: Deps, draft: Draft, planned: NewMigrations | None, report: Report | None, *, dry_run: bool
) -> None:
    from notifydb.cli import authoring

    say = deps.console.say
    for reason, descriptions in draft.left_by_reason().items():
        say(f"left out ({reason}):", style="dim")
        for description in descriptions:
            say(f"  {description}", style="dim")
    for change in draft.changes:
        say(f"  {change.description}")
    for note in draft.notes:
        say(note, style="yellow")
    if planned is None:
        say(authoring.nothing(draft), style="green")
        return
    if dry_run:
        deps.console.data(str(planned.changes).rstrip("\n"))
        return
    if any(each.shortened for each in planned.migrations):
        say("the name was shortened by whole words: a revision id has at most 32 characters")
    for each in planned.migrations:
        deps.console.data(deps.relative(each.path))
    if report is not None:
        say(authoring.rendered(deps, report))
