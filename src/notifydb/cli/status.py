"""`notifydb status` and `notifydb current`: where the database stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import DatabaseUrl, Format, OutputFormat, WaitForDatabase

if TYPE_CHECKING:
    from notifydb.errors import MigrationFailed
    from notifydb.runner.plan import Status
    from notifydb.runner.rescue import Standing


def status(
    at_head: Annotated[
        bool, typer.Option("--at-head", help="Exit 1 unless the database is at the head: a start-up gate.")
    ] = False,
    wait_for_db: WaitForDatabase = 0,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Show the database's revision, what is pending, and what nobody here knows."""
    from notifydb.runner.plan import status as compare

    deps = Deps(database_url=database_url)
    deps.wait_for_database(wait_for_db)
    standing = deps.runner(lambda _: None).standing()
    found, half_done = compare(deps.history, standing.current), standing.half_taken_back()
    if output is OutputFormat.JSON:
        deps.console.json(_document(found, standing, half_done))
    else:
        _show(deps, found, standing, half_done)
    if found.unknown or found.is_torn or standing.replaced or half_done or (at_head and not found.at_head):
        raise typer.Exit(1)


def current(database_url: DatabaseUrl = None, output: Format = OutputFormat.TEXT) -> None:
    """Show the revision that the database is at."""
    deps = Deps(database_url=database_url)
    found = _status(deps)
    if output is OutputFormat.JSON:
        deps.console.json({"current": list(found.current), "at_head": found.at_head})
        return
    for revision in found.current:
        deps.console.data(f"{revision}{' (head)' if revision in found.heads else ''}")


def _status(deps: Deps) -> Status:
    from notifydb.postgres import failures, version
    from notifydb.postgres.connect import own_engine
    from notifydb.runner.plan import status as compare

    deps.check_version_table()
    with failures.translated(), own_engine(deps.database.url).connect() as conn:
        return compare(deps.history, version.current(conn))


def _document(found: Status, standing: Standing, half_done: MigrationFailed | None) -> dict[str, object]:
    return {
        "current": list(found.current),
        "heads": list(found.heads),
        "pending": [each.id for each in found.pending],
        "unknown": list(found.unknown),
        "at_head": found.at_head and not standing.replaced and half_done is None,
        "half_taken_back": [half_done.revision] if half_done else [],
        "kept": [each for each in standing.kept if each not in standing.folder.revisions],
        "replaced": list(standing.replaced),
        "edited": list(standing.edited),
    }


def _show(deps: Deps, found: Status, standing: Standing, half_done: MigrationFailed | None) -> None:
    deps.console.data(f"database  {', '.join(found.current) or 'at no revision'}")
    deps.console.data(f"head      {', '.join(found.heads) or 'no migrations'}")
    if refusal := standing.refusal():
        deps.console.error(refusal.message, hint=refusal.hint)
        return
    if standing.replaced:
        from notifydb.cli.narration import replaced_by

        deps.console.error(replaced_by(standing.replaced))
    if half_done is not None:
        deps.console.error(half_done.message, hint=half_done.hint)
    if standing.edited:
        deps.console.say(
            f"warning: edited after it was applied: {', '.join(standing.edited)}; next: notifydb doctor",
            style="yellow",
        )
    if found.is_torn:
        deps.console.error(
            "alembic_version holds several rows",
            hint="find out which one is true, then: notifydb stamp REVISION",
        )
        return
    deps.console.data(f"pending   {len(found.pending)}")
    for each in found.pending:
        deps.console.data(f"  {each.id}")
    if found.pending and half_done is None:
        deps.console.say("next: notifydb upgrade", style="cyan")
