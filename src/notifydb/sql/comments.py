"""Finds the comments of a piece of SQL, and the statement that each belongs to."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Final

from notifydb.sql.parse import Statement

#: Comments, and what a `--` may stand in without being one: dollar quotes, strings, quoted names. Verbose.
TOKENS: Final = r"""
    (?P<comment> --[^\n]* )
    | /\* .*? \*/
    | \$ (?P<tag> (?:[^\W\d]\w*)? ) \$ .*? \$ (?P=tag) \$
    | \b[eE]' (?: [^'\\] | \\. | '' )* '
    | ' [^']* '
    | " [^"]* "
"""
_TOKENS = re.compile(TOKENS, re.DOTALL | re.VERBOSE)


@dataclasses.dataclass(frozen=True, slots=True)
class Comment:
    """A `--` comment; `offset` counts characters from 0 and `line` lines from 1."""

    text: str
    offset: int
    line: int


def comments(source: str) -> Iterator[Comment]:
    """The line comments in order."""
    line, seen = 1, 0
    for match in _TOKENS.finditer(source):
        if match["comment"] is not None:
            line, seen = line + source.count("\n", seen, match.start()), match.start()
            yield Comment(match["comment"], match.start(), line)


def commented(source: str, offset: int, statements: Sequence[Statement]) -> Statement | None:
    """Of the statements in `source`, the one that a comment at `offset` ends, is in, or stands before."""
    for statement in statements:
        end = statement.offset + len(statement.text)
        if offset < end or "\n" not in source[end:offset]:
            return statement
    return None
