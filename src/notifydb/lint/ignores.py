"""Reads suppressions where they are written: in Python, and in the SQL that is sent."""

from __future__ import annotations

import ast
import dataclasses
import io
import itertools
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path

from notifydb.lint.statement import Statement
from notifydb.lint.suppress import Ignore, Mark, read_mark
from notifydb.sql.comments import commented, comments

_MISPLACED = "is not at the top of the file"


def read_ignores(path: Path, source: str, tree: ast.Module) -> tuple[Ignore, ...]:
    """The suppressions in the comments of a migration, in order."""
    spans = _spans(tree)
    found = []
    for token in _comments(source):
        mark = read_mark(token.string)
        if mark is None:
            continue
        line = token.start[0]
        if mark.is_for_file:
            found.append(_for_file(path, line, mark, source, begins=_begins(tree)))
        else:
            first, last = _covered(spans, line, alone=not token.line[: token.start[1]].strip())
            found.append(Ignore(path, line, mark, first, last))
    return tuple(found)


def ignores_in_sql(statements: Sequence[Statement]) -> tuple[Ignore, ...]:
    """The suppressions in the `--` comments of what a migration sends, each once."""
    found: dict[Ignore, None] = {}
    for _, group in itertools.groupby(statements, key=lambda each: id(each.execution)):
        sent = list(group)
        by_offset = {each.parsed.offset: each for each in sent}
        source = sent[0].execution.sql
        for comment in comments(source) if "notifydb:" in source else ():
            mark = read_mark(comment.text)
            parsed = commented(source, comment.offset, [each.parsed for each in sent])
            if mark is not None:
                of = by_offset[parsed.offset] if parsed else sent[-1]
                found[_in_sql(of, mark)] = None
    return tuple(found)


def _in_sql(statement: Statement, mark: Mark) -> Ignore:
    place = statement.location
    if mark.is_for_file:
        mark = dataclasses.replace(mark, problem=_MISPLACED)
    return Ignore(place.path, place.line, mark, place.line, place.end_line or place.line, statement.sql)


def _for_file(path: Path, line: int, mark: Mark, source: str, *, begins: int) -> Ignore:
    if line >= begins:
        mark = dataclasses.replace(mark, problem=mark.problem or _MISPLACED)
    return Ignore(path, line, mark, 1, source.count("\n") + 1)


def _begins(tree: ast.Module) -> int:
    """The line of the first statement that is not the docstring."""
    has_docstring = ast.get_docstring(tree, clean=False) is not None
    body = tree.body[1:] if has_docstring else tree.body
    return min((_first_line(node) for node in body), default=sys.maxsize)


def _comments(source: str) -> Iterator[tokenize.TokenInfo]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return (token for token in tokens if token.type == tokenize.COMMENT)


def _spans(tree: ast.Module) -> list[tuple[int, int]]:
    """The lines of each statement; of one with a body, such as `with` or `def`, only its head."""
    return sorted(
        (_first_line(node), _last_line(node)) for node in ast.walk(tree) if isinstance(node, ast.stmt)
    )


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _last_line(node: ast.stmt) -> int:
    if not hasattr(node, "body"):
        return node.end_lineno or node.lineno
    if isinstance(node, ast.With | ast.For) and len(node.body) == 1:
        # A block around one operation is that operation.
        return _last_line(node.body[0])
    head = [child for child in ast.iter_child_nodes(node) if not isinstance(child, _BODIES)]
    ends = [getattr(each, "end_lineno", None) for child in head for each in ast.walk(child)]
    return max([node.lineno, *(int(end) for end in ends if end is not None)])


_BODIES = (ast.stmt, ast.excepthandler, ast.match_case)


def _covered(spans: list[tuple[int, int]], line: int, *, alone: bool) -> tuple[int, int]:
    """The operation that a comment belongs to: the one it is in, or the next if it has a line to itself."""
    around = [span for span in spans if span[0] <= line <= span[1]]
    if around:
        return max(around)
    later = [span for span in spans if span[0] > line]
    return later[0] if alone and later else (line, line)
