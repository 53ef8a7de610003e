"""`notifydb check`: the history makes what the models say, and the database is what the history makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.authoring import compared, told
from notifydb.cli.deps import Deps
from notifydb.cli.options import DatabaseUrl, Format, OutputFormat

if TYPE_CHECKING:
    from notifydb.postgres.catalog import Drift


def check(
    database: Annotated[
        bool, typer.Option("--database", help="Compare the live catalog instead of the models.")
    ] = False,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Check that a replay of the history makes just what the models say (exit 1 if not)."""
    deps = Deps(database_url=database_url)
    deps.check_version_table()
    if database:
        _check_database(deps, output)
    else:
        _check_models(deps, output)


def _check_models(deps: Deps, output: OutputFormat) -> None:
    comparison = compared(deps, deps.shadows())
    differences = comparison.changes
    for note in told(comparison):
        deps.console.say(note, style="yellow")
    if output is OutputFormat.JSON:
        rows = [
            {"kind": each.kind, "table": each.table, "description": each.description} for each in differences
        ]
        deps.console.json({"head": deps.history.head, "differences": rows})
    else:
        for each in differences:
            deps.console.data(each.description)
    if differences:
        deps.console.error(
            f"the models and the history differ in {_places(len(differences))}",
            hint='notifydb migrate new -m "..." writes the migration that is missing',
        )
        raise typer.Exit(1)
    deps.console.say("the history makes just what the models say", style="green")


def _check_database(deps: Deps, output: OutputFormat) -> None:
    from notifydb.postgres import failures
    from notifydb.verify.drift import drift

    plan = deps.runner(lambda _: None).plan_upgrade("+0")
    if len(plan.current) > 1:
        raise errors.HistoryError(
            f"the database is at {' and '.join(sorted(plan.current))}, and the history is compared at one revision",
            hint="notifydb upgrade brings it to where they are merged",
        )
    revision = None if plan.target == "base" else plan.target
    place = revision or "base"
    shadows = deps.shadows()
    with deps.console.working("replaying the history on a shadow database"), failures.translated():
        found = drift(deps.database.url, shadows, revision)
    if output is OutputFormat.JSON:
        deps.console.json({"revision": revision, "drift": [_row(each) for each in found]})
    else:
        for each in found:
            _show(deps, each)
    if found:
        deps.console.error(
            f"the database differs from what the history makes at {place} in {_places(len(found))}",
            hint="it was changed by hand, or an applied migration was edited: mend it by a new migration",
        )
        raise typer.Exit(1)
    deps.console.say(f"the database is just what the history makes at {place}", style="green")


def _show(deps: Deps, drift: Drift) -> None:
    deps.console.data(f"{drift.what} {drift.kind} {drift.name}")
    for word, text in (("expected", drift.expected), ("found", drift.actual)):
        if text:
            deps.console.data(f"  {word}: {text.strip()}")


def _row(drift: Drift) -> dict[str, object]:
    return {
        "what": drift.what, "kind": drift.kind, "name": drift.name,
        "expected": drift.expected, "actual": drift.actual,
    }  # fmt: skip


def _places(count: int) -> str:
    return "one place" if count == 1 else f"{count} places"
