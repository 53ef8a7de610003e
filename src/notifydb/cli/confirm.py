"""The typed confirmation: the database's name, never a `y`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notifydb.cli.console import Console


def ask_for_name_of(console: Console, what: str, database: str) -> str | None:
    """What was typed, or None where nobody can be asked."""
    if not console.is_interactive:
        return None
    console.say(f"database {database}: {what}; type its name to go on")
    sys.stderr.write("> ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() or None
