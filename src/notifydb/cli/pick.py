"""The list to choose changes from, with the arrow keys; it needs no more than a terminal, so ssh will do."""

from __future__ import annotations

import sys
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
    from prompt_toolkit.output import create_output

    choices = [
        questionary.Choice(each.description, value=number, checked=True)
        for number, each in enumerate(trimmed.kept)
    ]
    # A question is talk: stdout stays data.
    question = questionary.checkbox("Which of these?", choices=choices, output=create_output(sys.stderr))
    chosen = frozenset(question.unsafe_ask())
    left = (Left(each, "not picked") for number, each in enumerate(trimmed.kept) if number not in chosen)
    kept = (each for number, each in enumerate(trimmed.kept) if number in chosen)
    return Trimmed(tuple(kept), (*trimmed.left, *left))
