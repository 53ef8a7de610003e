"""Suppressions: `# notifydb: ignore[rule] until 2026-12-31 because ...` beside one operation, for that one only."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from notifydb.findings import Finding, Location

_MARK = re.compile(r"notifydb:\s*ignore(?P<file>-file)?\b(?P<rest>.*)")
_REST = re.compile(
    r"\s*\[(?P<rules>[^\]]*)\]"
    r"(?:\s*until\b\s*(?P<until>[^\s,;:]*)[,;:]?)?"
    r"(?:\s*because\b[\s:]*(?P<reason>.*))?"
)
_LATE_DATE = re.compile(r"\buntil\s+\d{4}-\d\d-\d\d")


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """What a suppression comment says, wherever it stands; `problem` is why it says nothing."""

    rules: tuple[str, ...] = ()
    reason: str | None = None
    until: datetime.date | None = None
    is_for_file: bool = False
    problem: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Ignore:
    """A suppression at its place: it is about the operation on the lines `first` to `last`.

    `mark.rules` are names of rules or families, its `reason` is None when none was written. Lines count from
    1. With `sql` it is about just that statement of the lines.
    """

    path: Path
    line: int
    mark: Mark
    first: int
    last: int
    sql: str | None = None

    def holds(self, today: datetime.date) -> bool:
        """Whether it silences anything on that day; the last day counts."""
        return self.mark.problem is None and not self.is_over(today)

    def is_over(self, today: datetime.date) -> bool:
        return self.mark.until is not None and today > self.mark.until

    def covers(self, finding: Finding, family: str | None = None) -> bool:
        """Whether the finding is about this operation, directly or through the helper that it calls."""
        if finding.rule not in self.mark.rules and family not in self.mark.rules:
            return False
        if self.sql is not None and finding.sql != self.sql:
            return False
        return any(self._begins(place) for place in (finding.location, *finding.frames))

    def _begins(self, place: Location) -> bool:
        """Whether the place begins here: a batch ends at its `with`, and is not the one call in it."""
        return self.first <= place.line <= self.last and place.path.resolve() == self.path.resolve()


def read_mark(comment: str) -> Mark | None:
    """The suppression in a comment; None where there is none."""
    mark = _MARK.search(comment)
    if mark is None:
        return None
    is_for_file = mark["file"] is not None
    rest = _REST.match(mark["rest"])
    rules = tuple(name.strip() for name in rest["rules"].split(",") if name.strip()) if rest else ()
    if rest is None or not rules:
        return Mark(is_for_file=is_for_file, problem="names no rule")
    reason = (rest["reason"] or "").strip() or None
    found = Mark(rules, reason, is_for_file=is_for_file)
    if reason is not None and _LATE_DATE.search(reason):
        return dataclasses.replace(
            found, problem="has its date after `because`, where it is a part of the reason"
        )
    if rest["until"] is None:
        return found
    try:
        return dataclasses.replace(found, until=datetime.date.fromisoformat(rest["until"]))
    except ValueError:
        return dataclasses.replace(found, problem=f"ends on {rest['until'] or 'nothing'}, which is no date")


def split(
    findings: Sequence[Finding], ignores: Sequence[Ignore], families: Mapping[str, str] | None = None
) -> tuple[list[Finding], list[Finding], frozenset[Ignore]]:
    """What stays, what is silenced, and the suppressions that silenced something.

    `families` has the family of each rule.
    """
    kept: list[Finding] = []
    silenced: list[Finding] = []
    used: set[Ignore] = set()
    for finding in findings:
        family = (families or {}).get(finding.rule)
        hits = [ignore for ignore in ignores if ignore.covers(finding, family)]
        used.update(hits)
        (silenced if hits else kept).append(finding)
    return kept, silenced, frozenset(used)
