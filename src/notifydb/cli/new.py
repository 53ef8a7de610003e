"""`notifydb migrate new`: the next migration, numbered, from the models' difference to the history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import DryRun, Format, OutputFormat


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
    from notifydb.cli import authoring, written

    to_fill_in = empty or data
    if sum((empty, data, sql is not None)) > 1:
        raise errors.UsageError("--empty, --data and --sql exclude each other")
    deps = Deps()
    # Two heads are told before anything is compared.
    _ = deps.history.head
    if to_fill_in or sql is not None:
        draft = authoring.from_template(sql, data=data)
    else:
        names = (tuple(only or ()), tuple(skip or ()))
        choice = authoring.Choice(*names, pick=pick, everything=everything, plain=plain)
        draft = authoring.from_models(deps, choice)
    needed = tuple(each.id for name in depends_on or () if (each := deps.history.get(name)))
    wanted = Wanted(message, deps.settings.number_width, rev_id, needed)
    outcome = written.write(deps, draft, wanted, dry_run=dry_run, lint=lint and not to_fill_in)
    if output is OutputFormat.JSON:
        written.as_json(deps, outcome)
    else:
        written.show(
            deps,
            outcome,
            "fill it in, then notifydb lint" if to_fill_in else "read it, then notifydb upgrade",
        )
