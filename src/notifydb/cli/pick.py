"""The list to choose changes from, with the arrow keys; it needs no more than a terminal, so ssh will do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.autogen.compare import Left
from notifydb.autogen.trim import Trimmed

if TYPE_CHECKING:
    from notifydb.cli.console import Console


def picked(console: Console, trimmed: Trimmed) -> Trimmed:
    """What somebody chooses of it, all being chosen at first; Ctrl-C chooses nothing and stops the command.

    Raises UsageError where there is no terminal.
    """
    if not console.is_interactive:
        raise errors.UsageError(
            "--pick needs a terminal to choose in", hint="name what you want with --only or --skip"
        )
    import questionary

    choices = [questionary.Choice(each.description, value=each, checked=True) for each in trimmed.kept]
    chosen = questionary.checkbox(
        "Which of these? (space chooses, enter writes)", choices=choices
    ).unsafe_ask()
    left = (Left(each, "not picked") for each in trimmed.kept if each not in chosen)
    return Trimmed(tuple(chosen), (*trimmed.left, *left))
