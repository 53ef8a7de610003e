"""Splits a string into parsed statements with their places; a syntax error is a value, not an exception."""

from __future__ import annotations

import bisect
import dataclasses
from typing import Any

from notifydb.sql.extract import facts_of
from notifydb.sql.facts import Fact
from notifydb.sql.trees import postgast


@dataclasses.dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why the parser refused a statement; `offset` counts characters of the whole string from 0."""

    message: str
    offset: int


@dataclasses.dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement: its text without surrounding blanks and comments, and what it says.

    `offset` counts characters from 0 and `line` lines from 1, both in the string that was parsed.
    """

    text: str
    offset: int
    line: int
    facts: tuple[Fact, ...] = ()
    problem: SyntaxProblem | None = None


def parse(source: str) -> tuple[Statement, ...]:
    """The statements of `source` in order; empty ones are left out.

    When the whole does not parse, it is split by the scanner, so that one broken statement does not hide
    the others; broken ones carry a `problem` and no facts.
    """
    text = _Source(source)
    try:
        tree = postgast.parse(source)
    except postgast.PgQueryError:
        return _parse_piecewise(text)
    return tuple(_statement(text, raw) for raw in tree.stmts)


class _Source:
    """A string that the parser counts in bytes, and its readers in characters and lines."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = None if text.isascii() else text.encode()
        self.newlines = [position for position, character in enumerate(text) if character == "\n"]

    def characters(self, position: int) -> int:
        return position if self.data is None else len(self.data[:position].decode())

    def line(self, offset: int) -> int:
        return bisect.bisect_left(self.newlines, offset) + 1


def _statement(source: _Source, raw: Any) -> Statement:
    begin = source.characters(raw.stmt_location)
    end = source.characters(raw.stmt_location + raw.stmt_len) if raw.stmt_len else len(source.text)
    text, start = _trim(source.text[begin:end], begin)
    return Statement(text, start, source.line(start), facts_of(raw.stmt))


def _parse_piecewise(source: _Source) -> tuple[Statement, ...]:
    try:
        pieces = postgast.split(source.text, method="scanner")
    except postgast.PgQueryError as error:
        return (_broken(source, source.text, 0, error),)
    found: list[Statement] = []
    position = 0
    for piece in pieces:
        begin = source.text.index(piece, position)
        found += _parse_gap(source, position, begin)
        found += _parse_piece(source, piece, begin)
        position = begin + len(piece)
    found += _parse_gap(source, position, len(source.text))
    return tuple(found)


def _parse_gap(source: _Source, begin: int, end: int) -> list[Statement]:
    """The scanner passes over what has no keyword in it, such as a misspelt SELEC 1."""
    piece, start = _trim(source.text[begin:end], begin)
    return _parse_piece(source, piece, start) if piece else []


def _parse_piece(source: _Source, piece: str, position: int) -> list[Statement]:
    try:
        tree = postgast.parse(piece)
    except postgast.PgQueryError as error:
        return [_broken(source, piece, position, error)]
    text, start = _trim(piece, position)
    return [Statement(text, start, source.line(start), facts_of(raw.stmt)) for raw in tree.stmts]


def _broken(source: _Source, piece: str, position: int, error: Any) -> Statement:
    text, start = _trim(piece, position)
    # postgast's page says that `cursorpos` counts bytes; it counts characters, from 1.
    problem = SyntaxProblem(error.message, position + min(max(error.cursorpos - 1, 0), len(piece)))
    return Statement(text, start, source.line(start), problem=problem)


def _trim(text: str, start: int) -> tuple[str, int]:
    """Drops leading blanks and comments, which the parser counts as part of the statement after them."""
    position = 0
    while position < len(text):
        rest = text[position:]
        if rest[0].isspace() or rest[0] == ";":
            position += 1
        elif rest.startswith("--"):
            newline = rest.find("\n")
            position = len(text) if newline < 0 else position + newline + 1
        elif rest.startswith("/*"):
            position += _comment_length(rest)
        else:
            break
    return text[position:].rstrip().rstrip(";").rstrip(), start + position


def _comment_length(text: str) -> int:
    """Postgres nests block comments (docs section 4.1.5)."""
    depth, position = 0, 0
    while position < len(text):
        pair = text[position : position + 2]
        if pair == "/*":
            depth, position = depth + 1, position + 2
        elif pair == "*/":
            depth, position = depth - 1, position + 2
            if depth == 0:
                return position
        else:
            position += 1
    return len(text)
