"""`notifydb environment`: the database's own mark of what it is."""

from __future__ import annotations

from typing import Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import Confirm, DatabaseUrl, Format, OutputFormat


def show(database_url: DatabaseUrl = None, output: Format = OutputFormat.TEXT) -> None:
    """Show what the database says it is, and what the settings say."""
    from notifydb.postgres import failures, own
    from notifydb.postgres.connect import own_engine

    deps = Deps(database_url=database_url)
    with failures.translated(), own_engine(deps.database.url).connect() as conn:
        target = own.target_of(conn, embedded=deps.database.embedded)
    if output is OutputFormat.JSON:
        voices = [{"source": each.source, "environment": each.environment} for each in deps.loaded.voices]
        mark = {"state": target.mark.state, "environment": target.mark.environment}
        deps.console.json({"database": target.database, "mark": mark, "settings": voices})
        return
    said = target.mark.environment if target.mark.state == "present" else f"no mark ({target.mark.state})"
    deps.console.data(f"database {target.database}: {said}")
    for voice in deps.loaded.voices:
        deps.console.data(f"{voice.source}: {voice.environment}")


def set_(
    name: Annotated[
        str, typer.Argument(help="development, test, staging or production.", metavar="ENVIRONMENT")
    ],
    confirm: Confirm = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Mark the database; production, once said, is never taken back here."""
    from notifydb import guard
    from notifydb.cli.confirm import ask_for_name_of
    from notifydb.postgres import failures, ledger, own
    from notifydb.postgres.connect import own_engine
    from notifydb.settings import Environment

    wanted = Environment.parse(name)
    if wanted is Environment.UNKNOWN:
        raise errors.UsageError(f"{name!r} is none of development, test, staging, production")
    deps = Deps(database_url=database_url)
    with failures.translated(), own_engine(deps.database.url).begin() as conn:
        own.install(conn)
        target = own.target_of(conn, embedded=deps.database.embedded)
        typed = confirm or ask_for_name_of(deps.console, f"mark it as {wanted}", target.database)
        reasons = guard.mark_refusals(target, wanted, deps.loaded.voices, typed)
        if reasons:
            raise errors.Refused(f"marking {target.database!r} as {wanted} is refused", reasons=reasons)
        own.write_mark(conn, wanted)
        ledger.record(conn, ledger.Entry("environment set", None, "done", details={"name": wanted.value}))
    deps.console.say(f"database {target.database} is marked as {wanted}", style="green")
