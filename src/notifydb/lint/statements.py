"""Cuts what was sent into statements and gives each its line in the migration."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from notifydb.findings import Location
from notifydb.lint.statement import Execution, Statement
from notifydb.migrator.frames import Frame
from notifydb.revisions.graph import Revision
from notifydb.sql.parse import Statement as Parsed
from notifydb.sql.parse import parse


def statements_of(
    revision: Revision, executions: Sequence[Execution], tree: ast.Module
) -> tuple[Statement, ...]:
    """The statements of all executions in order, numbered through; `tree` is the migration's own."""
    own = revision.path.resolve()
    found: list[Statement] = []
    for execution in executions:
        frame = _own_frame(execution.frames, own)
        for parsed in parse(execution.sql):
            location = _locate(revision.path, frame, parsed, execution.sql, tree)
            found.append(Statement(revision, len(found), parsed, execution, location))
    return tuple(found)


def _own_frame(frames: Sequence[Frame], own: Path) -> Frame:
    """The innermost call in the migration itself: helpers elsewhere are shown as frames."""
    return next(frame for frame in reversed(frames) if frame.path == own)


def _locate(path: Path, frame: Frame, parsed: Parsed, sent: str, tree: ast.Module) -> Location:
    """The call's lines; for one statement of a longer literal, the lines of just that statement."""
    literal = _literal(frame, sent, tree)
    if literal is None:
        return Location(path, frame.line, frame.end_line)
    start = literal.lineno + _line_of(literal, sent) + parsed.line - 1
    return Location(path, start, start + parsed.text.count("\n"))


def _literal(frame: Frame, sent: str, tree: ast.Module) -> ast.Constant | None:
    """The one string of several lines in the call whose text is what was sent, if it is written so."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        inside = frame.line <= node.lineno and (node.end_lineno or 0) <= frame.end_line
        # Escapes and joined pieces have other line counts than their value, and are left out so.
        plain = (node.end_lineno or node.lineno) - node.lineno == node.value.count("\n")
        if inside and plain and "\n" in node.value and sent.strip() in node.value:
            return node
    return None


def _line_of(literal: ast.Constant, sent: str) -> int:
    """Lines between the beginning of the literal and that of the text that was sent."""
    value = str(literal.value)
    stripped = sent.strip()
    begins = value.index(stripped)
    leading = sent[: sent.index(stripped)].count("\n")
    return value[:begins].count("\n") - leading
