"""The command line: every command by its name, and what an error makes of the exit code."""

from __future__ import annotations

import logging
import signal
import sys
import traceback
from types import FrameType
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from notifydb import __version__, errors
from notifydb.cli import (
    check,
    db,
    demo,
    downgrade,
    environment,
    head_file,
    lint,
    new,
    purge,
    rebase,
    renumber,
    revisions,
    rules,
    settings,
    stamp,
    status,
    upgrade,
)
from notifydb.cli.console import Console, RedactingFormatter


class Terminated(KeyboardInterrupt):
    """SIGTERM: the driver cancels the running statement for it as for Ctrl-C."""


class Commands(TyperGroup):
    """Turns a stop by signal into its exit code, before the framework takes it for an abort."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            sys.exit(_stopped(stop))


_terminated: list[bool] = []

app = typer.Typer(
    cls=Commands,
    help="Migrations for teams that keep one numbered Alembic history on Postgres.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
migrate = typer.Typer(help="Create migrations and keep them in one line.", no_args_is_help=True)
database = typer.Typer(help="The embedded development Postgres.", no_args_is_help=True)
mark = typer.Typer(help="The database's own mark of what it is.", no_args_is_help=True)

app.command("upgrade")(upgrade.upgrade)
# `-1` is a revision here, not an option.
app.command("downgrade", context_settings={"ignore_unknown_options": True})(downgrade.downgrade)
app.command("stamp")(stamp.stamp)
app.command("status")(status.status)
app.command("current")(status.current)
app.command("heads")(revisions.heads)
app.command("history")(revisions.history)
app.command("check")(check.check)
app.add_typer(migrate, name="migrate")
migrate.command("new")(new.new)
migrate.command("renumber")(renumber.renumber)
migrate.command("head-file")(head_file.head_file)
migrate.command("rebase")(rebase.rebase)
app.command("lint")(lint.lint)
app.command("rules")(rules.rules)
app.command("purge")(purge.purge)
app.add_typer(mark, name="environment")
mark.command("show")(environment.show)
mark.command("set")(environment.set_)
app.command("settings")(settings.settings)
app.add_typer(database, name="db")
for name, command in db.COMMANDS.items():
    database.command(name)(command)
app.command("demo")(demo.demo)


@app.callback(invoke_without_command=True)
def root(
    version: bool = typer.Option(False, "--version", help="Show the version and exit.", is_eager=True),
) -> None:
    """Migrations for teams that keep one numbered Alembic history on Postgres."""
    if version:
        Console().data(__version__)
        raise typer.Exit


def main() -> NoReturn:
    """Runs the command line; never returns, never shows a traceback for what is the user's to mend."""
    signal.signal(signal.SIGTERM, _terminate)
    # Our own handler, whatever an application configures: a migration run must not lose its voice.
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    try:
        app(standalone_mode=True)
    except errors.NotifydbError as error:
        sys.exit(_report(error))
    except KeyboardInterrupt as stop:
        sys.exit(_stopped(stop))
    except SystemExit as end:
        # A signal while the arguments are read is taken for an abort by the framework.
        sys.exit(143 if _terminated else end.code)
    except Exception:
        sys.exit(_bug())
    sys.exit(0)


def _report(error: errors.NotifydbError) -> int:
    console = Console()
    console.error(error.message, reasons=getattr(error, "reasons", ()), hint=error.hint)
    for note in getattr(error, "__notes__", ()):
        console.say(f"  {note}")
    if error.exit_code == errors.NotifydbError.exit_code or _wants_traceback():
        console.say(traceback.format_exc())
    return error.exit_code


def _stopped(stop: KeyboardInterrupt) -> int:
    name, code = ("SIGTERM", 143) if isinstance(stop, Terminated) else ("SIGINT", 130)
    Console().say(
        f"stopped by {name}: what was running was rolled back; notifydb status shows where it stands"
    )
    return code


def _bug() -> int:
    console = Console()
    console.say(traceback.format_exc())
    console.error("this is a bug in notifydb", hint="please report it with the lines above")
    return errors.InternalError.exit_code


def _wants_traceback() -> bool:
    return logging.getLogger().isEnabledFor(logging.DEBUG)


def _terminate(_signal: int, _frame: FrameType | None) -> NoReturn:
    _terminated.append(True)
    raise Terminated
