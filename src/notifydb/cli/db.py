"""`notifydb db`: the embedded development Postgres."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from notifydb.cli.deps import Deps
from notifydb.cli.options import Confirm, Format, OutputFormat


def start() -> None:
    """Start the embedded Postgres, if it does not run."""
    deps = Deps()
    with deps.console.working("starting the embedded Postgres"):
        started = deps.server.start()
    deps.console.say("started" if started else "it was running already", style="green")


def stop() -> None:
    """Stop the embedded Postgres; its data stays."""
    deps = Deps()
    deps.console.say("stopped" if deps.server.stop() else "it was not running", style="green")


def status(output: Format = OutputFormat.TEXT) -> None:
    """Show whether the embedded Postgres runs (exit 1 when not) and where its files are."""
    deps = Deps()
    running = deps.server.is_running()
    if output is OutputFormat.JSON:
        deps.console.json({"running": running, "url": deps.server.url(), "data": str(deps.server.data)})
    else:
        deps.console.data(f"{'running' if running else 'stopped'}  {deps.server.data}")
    raise typer.Exit(0 if running else 1)


def url(output: Format = OutputFormat.TEXT) -> None:
    """Print the embedded database's URL, as other programs take it."""
    from notifydb.postgres.connect import plain_url

    deps = Deps()
    plain = plain_url(deps.server.url())
    if output is OutputFormat.JSON:
        deps.console.json({"url": plain})
    else:
        deps.console.data(plain)


def psql(
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to psql.", metavar="ARGS")] = None,
) -> None:
    """Open psql on the embedded database (starting it): notifydb db psql -- -c 'SELECT 1'."""
    from notifydb.postgres.connect import plain_url

    deps = Deps()
    deps.start_server()
    program = deps.server.binaries / "psql"
    os.execv(program, [str(program), "-d", plain_url(deps.server.url()), *(arguments or [])])


def reset(confirm: Confirm = None) -> None:
    """Drop everything in the embedded Postgres and start over."""
    from notifydb.guard import Operation

    deps = Deps()
    permit = deps.permit_on(deps.embedded_database(), Operation.RESET, confirm)
    with deps.console.working("starting over"):
        deps.server.reset(permit)
    deps.console.say("the embedded Postgres is empty again", style="green")
