"""What psql reads for itself in a script of SQL: its own commands, and the rows of COPY FROM STDIN."""

from __future__ import annotations

import dataclasses
import re

from notifydb.sql.comments import TOKENS

_PARTS = re.compile(
    rf"""
    (?P<copy> ^[ \t]* copy \s [^;]*? \b from \s+ stdin \b [^;]* ; [^\n]* (?: \n .*? (?: ^\\\.[^\n]* | \Z ) )? )
    | {TOKENS}
    | (?P<command> \\ [^\n]* )
    """,
    re.DOTALL | re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """What the server never sees; `line` counts from 1."""

    text: str
    line: int


def without_commands(source: str) -> tuple[str, tuple[Command, ...]]:
    """The script with blanks in place of what is psql's, so that all else keeps its line; and what that was.

    Where such a command sends the statement before it, as `\\g` does, a semicolon takes its place.
    """
    found: list[Command] = []

    def blank(match: re.Match[str]) -> str:
        text = match["copy"] or match["command"]
        if text is None:
            return match[0]
        shown = text.strip().splitlines()[0].strip()
        start = match.start() + len(text) - len(text.lstrip())
        found.append(Command(shown, source.count("\n", 0, start) + 1))
        blanked = re.sub(r"[^\n]", " ", text)
        return f";{blanked[1:]}" if text.startswith("\\g") else blanked

    return _PARTS.sub(blank, source), tuple(found)
