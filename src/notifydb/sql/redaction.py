"""Statements of other sessions, without the data in them."""

from __future__ import annotations

import re

# What is cut off by the server (track_activity_query_size) ends inside of a literal: hence the open ends.
_LITERALS = re.compile(
    r"""
    [eEbBxXnN]? ' (?: [^'\\] | '' | \\. )* (?: ' | \Z )
    | \$ (?P<tag> [A-Za-z_]\w* | ) \$ .*? (?: \$ (?P=tag) \$ | \Z )
    | (?P<name> " (?: [^"] | "" )* " | \$\d+ | [^\W\d]\w* )
    | (?P<comment> -- [^\n]* | /\* .*? (?: \*/ | \Z ) )
    | \d [\w.]*
    """,
    re.VERBOSE | re.DOTALL,
)
_SHOWN = 300


def without_literals(sql: str) -> str:
    """The statement in one line, each string and number as `?`, comments left out, cut to what can be read."""
    text = " ".join(_LITERALS.sub(_replaced, sql).split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]} ..."


def _replaced(match: re.Match[str]) -> str:
    return match["name"] or (" " if match["comment"] else "?")
