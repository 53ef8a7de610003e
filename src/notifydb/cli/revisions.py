"""`notifydb heads` and `notifydb history`: the folder's graph, read from source; nothing is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import DatabaseUrl, Format, OutputFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from notifydb.postgres.ledger import Entry
    from notifydb.revisions.graph import Revision


def heads(output: Format = OutputFormat.TEXT) -> None:
    """Show the heads of the history: one, or there is something to mend."""
    deps = Deps()
    found = deps.history.heads
    if output is OutputFormat.JSON:
        deps.console.json({"heads": list(found)})
    else:
        for revision in found:
            deps.console.data(revision)
    if not found:
        deps.console.say("there are no migrations yet", style="dim")
    if len(found) > 1:
        deps.console.error(f"the history has {len(found)} heads", hint="notifydb migrate rebase")
        raise typer.Exit(1)


def history(
    database: Annotated[
        bool, typer.Option("--database", help="What ran on the database, newest first.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many rows, the newest.")] = 1000,
    database_url: DatabaseUrl = None,
    output: Format = OutputFormat.TEXT,
) -> None:
    """Show the revisions in order, base first; or what ran on the database, when and by whom."""
    deps = Deps(database_url=database_url)
    if database:
        _show_database(deps, limit, output)
        return
    revisions = deps.history.ordered()[-limit:]
    if output is OutputFormat.JSON:
        deps.console.json({"revisions": [_revision(deps, each) for each in revisions]})
        return
    for each in revisions:
        mark = " (head)" if each.id in deps.history.heads else ""
        message = "" if each.message in ("", each.id) else f"  {each.message}"
        deps.console.data(f"{each.id}{mark}{message}")


def _revision(deps: Deps, revision: Revision) -> dict[str, object]:
    return {
        "revision": revision.id,
        "down_revisions": list(revision.down_revisions),
        "message": revision.message,
        "created": revision.created,
        "path": deps.relative(revision.path),
        "head": revision.id in deps.history.heads,
    }


def _show_database(deps: Deps, limit: int, output: OutputFormat) -> None:
    from notifydb.postgres import failures, ledger
    from notifydb.postgres.connect import own_engine

    with failures.translated(), own_engine(deps.database.url).connect() as conn:
        entries = ledger.read_history(conn, limit=limit)
    if output is OutputFormat.JSON:
        deps.console.json({"entries": [_entry(each) for each in entries]})
        return
    for each in _without_finished_parts(entries):
        seconds = "" if each.seconds is None else f" in {each.seconds:.2f} s"
        retries = f", attempt {each.retries + 1}" if each.retries else ""
        deps.console.data(
            f"{each.finished_at:%Y-%m-%d %H:%M:%S}  {each.outcome:11}  {each.operation}"
            f" {each.revision or ''}{seconds}{retries}  by {each.runner}"
        )


def _without_finished_parts(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Of entries, the newest first: a part counts only while the migration is not done."""
    done: set[str | None] = set()
    for each in entries:
        if each.outcome == "done":
            done.add(each.revision)
        if each.outcome != "partial" or each.revision not in done:
            yield each


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "operation": entry.operation,
        "revision": entry.revision,
        "outcome": entry.outcome,
        "started_at": entry.started_at and entry.started_at.isoformat(),
        "finished_at": entry.finished_at and entry.finished_at.isoformat(),
        "seconds": entry.seconds,
        "source_sha256": entry.source_sha256,
        "runner": entry.runner,
        "version": entry.version,
        "statements": entry.statements,
        "retries": entry.retries,
        "code_version": entry.code_version,
        "git_commit": entry.git_commit,
        "instance": entry.instance,
        "details": dict(entry.details),
    }
