"""Options that several commands share."""

from __future__ import annotations

import enum
from typing import Annotated

import typer


class OutputFormat(enum.StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


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
