"""The command line, and what an error makes of the exit code."""

from __future__ import annotations

import atexit
import gc
import logging
import signal
import sys
import traceback
from typing import Any, NoReturn

import typer

from notifydb import __version__, errors
from notifydb.cli import signals, streams
from notifydb.cli.commands import COMMANDS, CommandGroup
from notifydb.cli.console import Console, RedactingFormatter


class Root(CommandGroup):
    """Turns a stop by signal into its exit code, before the framework takes it for an abort."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.hold(COMMANDS)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            sys.exit(_stopped(stop))
        except Exception:
            raise
        except BaseException as end:
            # No command ends by itself like this; the framework would take another's `sys.exit(0)` for success.
            raise errors.InternalError(f"the project's code ended the command: {end!r}") from end


app = typer.Typer(
    cls=Root,
    help="Migrations for teams that keep one numbered Alembic history on Postgres.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
    _collect_seldom()
    _do_without_pygments()
    streams.secure()
    signals.install()
    # Our own handler, whatever an application configures: a migration run must not lose its voice.
    handler = logging.StreamHandler()
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    code = _run()
    sys.exit(_unwritten(code) if streams.lost() else code)


def _run() -> str | int | None:
    try:
        app(standalone_mode=True)
    except errors.NotifydbError as error:
        return _stopped(None) if signals.received else _report(error)
    except KeyboardInterrupt as stop:
        return _stopped(stop)
    except SystemExit as end:
        # A signal while the arguments are read is taken for an abort by the framework.
        return signals.exit_code(None) if signals.received else end.code
    except Exception:
        # A signal can cut an import in half, and what is imported of that later fails.
        return _stopped(None) if signals.received else _bug()
    return 0


def _unwritten(code: str | int | None) -> str | int:
    """Tells of it; the code of a command that has failed says more."""
    lost = errors.OutputLost(
        f"the command is over, and not all of its output could be written: {streams.lost()}",
        hint="notifydb status shows where the database stands",
    )
    own = _report(lost)
    return code or own


def _collect_seldom() -> None:
    """Nearly all that a command makes are modules, which stay: looking through them for garbage took a tenth of
    a second of each command, while it imports and once more when it ends."""
    # A run of 349 migrations is 3 MB larger for it than with a quarter of that.
    gc.set_threshold(200_000, 20, 20)
    atexit.register(gc.freeze)


def _do_without_pygments() -> None:
    """Mako, which Alembic imports, loads it to colour error pages, where it is there: a tenth of that import. None of
    them is shown here; an application that shows one has it plain."""
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]


def _report(error: errors.NotifydbError) -> int:
    console = Console()
    console.error(error.message, reasons=getattr(error, "reasons", ()), hint=error.hint)
    for note in getattr(error, "__notes__", ()):
        console.say(f"  {note}")
    if error.exit_code == errors.NotifydbError.exit_code or _wants_traceback():
        console.say(traceback.format_exc())
    return error.exit_code


def _stopped(stop: KeyboardInterrupt | None) -> int:
    code = signals.exit_code(stop)
    name = signal.Signals(code - 128).name
    Console().say(f"stopped by {name}: what was not committed is rolled back")
    return code


def _bug() -> int:
    console = Console()
    console.say(traceback.format_exc())
    console.error("this is a bug in notifydb", hint="please report it with the lines above")
    return errors.InternalError.exit_code


def _wants_traceback() -> bool:
    return logging.getLogger().isEnabledFor(logging.DEBUG)
