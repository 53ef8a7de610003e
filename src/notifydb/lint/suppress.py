"""Suppressions: `# notifydb: ignore[rule] because ...` beside one operation, for that operation only."""

from __future__ import annotations

import ast
import dataclasses
import io
import re
import tokenize
from collections.abc import Sequence
from pathlib import Path

from notifydb.findings import Finding, Location

_COMMENT = re.compile(r"#\s*notifydb:\s*ignore\[(?P<rules>[^\]]*)\]\s*(?:because\b[\s:]*(?P<reason>.*))?")


@dataclasses.dataclass(frozen=True, slots=True)
class Ignore:
    """A suppression comment: it silences `rules` for the operation on the lines `first` to `last`.

    `reason` is None when none was written. Lines count from 1.
    """

    path: Path
    line: int
    rules: tuple[str, ...]
    reason: str | None
    first: int
    last: int

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is about this operation, directly or through the helper that it calls."""
        if finding.rule not in self.rules:
            return False
        return any(self._overlaps(place) for place in (finding.location, *finding.frames))

    def _overlaps(self, place: Location) -> bool:
        if place.path.resolve() != self.path.resolve():
            return False
        return place.line <= self.last and (place.end_line or place.line) >= self.first


def read_ignores(path: Path, source: str, tree: ast.Module) -> tuple[Ignore, ...]:
    """The suppressions of one file, in order."""
    spans = _spans(tree)
    found = []
    for token in _comments(source):
        match = _COMMENT.search(token.string)
        if match is None:
            continue
        line = token.start[0]
        first, last = _covered(spans, line, alone=not token.line[: token.start[1]].strip())
        rules = tuple(name.strip() for name in match["rules"].split(",") if name.strip())
        reason = (match["reason"] or "").strip() or None
        found.append(Ignore(path, line, rules, reason, first, last))
    return tuple(found)


def split(
    findings: Sequence[Finding], ignores: Sequence[Ignore]
) -> tuple[list[Finding], list[Finding], frozenset[Ignore]]:
    """What stays, what is silenced, and the suppressions that silenced something."""
    kept: list[Finding] = []
    silenced: list[Finding] = []
    used: set[Ignore] = set()
    for finding in findings:
        hits = [ignore for ignore in ignores if ignore.covers(finding)]
        used.update(hits)
        (silenced if hits else kept).append(finding)
    return kept, silenced, frozenset(used)


def _comments(source: str) -> list[tokenize.TokenInfo]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return [token for token in tokens if token.type == tokenize.COMMENT]


def _spans(tree: ast.Module) -> list[tuple[int, int]]:
    """The lines of each statement; of one with a body, such as `with` or `def`, only its head."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            decorators = [each.lineno for each in getattr(node, "decorator_list", [])]
            found.append((min([node.lineno, *decorators]), _last_line(node)))
    return sorted(found)


def _last_line(node: ast.stmt) -> int:
    if not hasattr(node, "body"):
        return node.end_lineno or node.lineno
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
