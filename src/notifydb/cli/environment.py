"""`notifydb environment`: the database's own mark of what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from notifydb import errors
from notifydb.cli.deps import Deps
from notifydb.cli.options import Confirm, DatabaseUrl, Format, OutputFormat

if TYPE_CHECKING:
    from notifydb.guard import Mark, Target
    from notifydb.settings import Environment


def show(database_url: DatabaseUrl = None, output: Format = OutputFormat.TEXT) -> None:
    """Show what the database says it is, in both places, and what the settings say."""
    from notifydb.postgres import failures, own
    from notifydb.postgres.connect import own_engine

    deps = Deps(database_url=database_url)
    with failures.translated(), own_engine(deps.database.url).connect() as conn:
        target = own.target_of(conn, embedded=deps.database.embedded)
    if output is OutputFormat.JSON:
        voices = [{"source": each.source, "environment": each.environment} for each in deps.loaded.voices]
        marks = {"mark": _as_json(target.mark), "database_setting": _as_json(target.setting)}
        deps.console.json({"database": target.database, **marks, "settings": voices})
        return
    deps.console.data(f"database {target.database}: {_said(target.mark, 'no mark')}")
    deps.console.data(f"ALTER DATABASE ... SET notifydb.environment: {_said(target.setting, 'no setting')}")
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
        what = f"mark it as {wanted}"
        typed = ask_for_name_of(deps.console, what, target.database) if confirm is None else confirm
        reasons = guard.mark_refusals(target, wanted, deps.loaded.voices, typed)
        if reasons:
            raise errors.Refused(f"marking {target.database!r} as {wanted} is refused", reasons=reasons)
        own.write_mark(conn, wanted)
        why_not = own.write_setting(conn, wanted)
        ledger.record(conn, ledger.Entry("environment set", None, "done", details={"name": wanted.value}))
        marked = own.target_of(conn, embedded=deps.database.embedded)
    deps.console.say(f"database {target.database} is marked as {wanted}", style="green")
    if why_not is not None:
        deps.console.say(f"the mark stands in its data only; outside of it: {why_not}", style="yellow")
    _tell_what_is_stricter(deps, marked, wanted)


def _tell_what_is_stricter(deps: Deps, target: Target, wanted: Environment) -> None:
    """Somebody else's setting may say more; it holds."""
    for voice in target.voices():
        if voice.environment is not wanted:
            deps.console.say(f"{voice.source} still says {voice.environment}", style="yellow")


def _as_json(mark: Mark) -> dict[str, object]:
    return {"state": mark.state, "environment": mark.environment}


def _said(mark: Mark, nothing: str) -> str:
    if mark.state == "missing":
        return nothing
    return str(mark.environment) if mark.state == "present" else f"{nothing} ({mark.state})"
