"""Options that several commands share."""

from __future__ import annotations

import enum
import math
from typing import Annotated

import typer

from notifydb.settings.fields import LONGEST


class OutputFormat(enum.StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


def _in_time(seconds: float) -> float:
    if not math.isfinite(seconds) or seconds > LONGEST:
        raise typer.BadParameter(f"{seconds:g} is not in the range up to {LONGEST}.")
    return seconds


Format = Annotated[OutputFormat, typer.Option("--format", help="Text for people, json for programs.")]
DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", help="The database; default: what the settings say.", metavar="URL"),
]
Confirm = Annotated[
    str | None,
    typer.Option("--confirm", help="The database's name, where no terminal can ask for it.", metavar="NAME"),
]
LockWait = Annotated[
    float | None, typer.Option("--lock-wait", help="Seconds to wait for another runner to finish.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]
Edited = Annotated[
    bool, typer.Option("--edited", help="Move files with edits that are not committed, too, and stage them.")
]
LockTimeout = Annotated[
    float | None,
    typer.Option("--lock-timeout", help="Seconds that a statement waits for a lock before it gives way."),
]
Deadline = Annotated[
    float | None, typer.Option("--deadline", help="Seconds after which the run waits for nobody any more.")
]
WaitForDatabase = Annotated[
    float,
    typer.Option(
        "--wait-for-db", help="Seconds to wait for the server to let somebody in.", min=0, callback=_in_time
    ),
]
FromStart = Annotated[
    bool,
    typer.Option(
        "--from-start", help="Run what was left half done from its beginning, not after what it had done."
    ),
]
CancelBlockers = Annotated[
    list[str] | None,
    typer.Option(
        "--cancel-blockers",
        help="End sessions of this application that are in the way (wildcards; guarded).",
        metavar="APPLICATION",
    ),
]


class LogFormat(enum.StrEnum):
    """How a job tells what it does."""

    TEXT = "text"
    JSON = "json"


JobLog = Annotated[
    LogFormat | None,
    typer.Option("--log-format", help="json: an object a line for each event, and a summary, on stdout."),
]
