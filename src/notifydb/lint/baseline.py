"""The findings that an old history had when somebody began to lint it: a file of what later runs leave out.

An entry is known by its migration, its rule, and a digest of its statement or source line, so it survives
moved lines and a new number; a finding at another place of the same migration is a new one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from notifydb import errors
from notifydb.findings import Finding, Report
from notifydb.reporters.base import source_lines
from notifydb.revisions.graph import History
from notifydb.revisions.naming import slug_of

VERSION = 1
_DIGITS = 12
Level = Literal["static", "trace"]


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Entry:
    """`count` findings of one rule about the same text in one migration."""

    revision: str
    rule: str
    digest: str
    count: int = 1

    @property
    def key(self) -> tuple[str, str, str]:
        """Without the number, which `migrate renumber` and `rebase` change."""
        return (slug_of(self.revision) or self.revision, self.rule, self.digest)


@dataclasses.dataclass(frozen=True, slots=True)
class Baseline:
    """`level` is what the findings were seen with."""

    level: Level
    entries: tuple[Entry, ...]

    def __str__(self) -> str:
        """The file: an entry a line, so that diffs are small."""
        lines = [json.dumps(dataclasses.asdict(entry), ensure_ascii=False) for entry in self.entries]
        body = ",\n".join(f"    {line}" for line in lines)
        findings = f"[\n{body}\n  ]" if lines else "[]"
        return f'{{\n  "version": {VERSION},\n  "level": "{self.level}",\n  "findings": {findings}\n}}\n'


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """The report without what the baseline knows, and the entries that were looked for in vain.

    `is_outdone` tells that a trace found more in a migration than the baseline, which was recorded without.
    """

    report: Report
    gone: tuple[Entry, ...]
    is_outdone: bool = False


def read(path: Path) -> Baseline | None:
    """The baseline, None where there is no such file; ConfigurationError for one that cannot be understood."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise _unreadable(path, f"it is not of version {VERSION}")
    if document.get("level") not in ("static", "trace"):
        raise _unreadable(path, "its level is neither static nor trace")
    try:
        return Baseline(document["level"], tuple(_entry(each) for each in document["findings"]))
    except (KeyError, TypeError, ValueError):
        raise _unreadable(path, "a finding is not of the form that is written there") from None


def recorded(report: Report, history: History, level: Level, old: Baseline | None) -> Baseline:
    """The baseline of these findings; what `old` says of migrations that were not judged now stays."""
    judged = {_place(revision) for revision in report.judged}
    known = {_place(revision) for revision in history.revisions}
    kept = [each for each in (old.entries if old else ()) if each.key[0] in known - judged]
    entries = [*kept, *_entries(report.findings)]
    return Baseline(level, tuple(sorted(entries)))


def compared(report: Report, baseline: Baseline) -> Compared:
    """Of equal findings as many are left out as the baseline knows, the first ones.

    An entry is gone if its migration was judged on all levels of its rule, and nothing found it, not even a
    suspicion that the trace refuted.
    """
    left = Counter({entry.key: entry.count for entry in _summed(baseline.entries)})
    kept = [finding for finding in report.findings if not _is_known(finding, left)]
    for finding in report.refuted:
        _is_known(finding, left)
    judged = {_place(revision): rules for revision, rules in report.judged.items()}
    gone = [
        each for each in baseline.entries if left[each.key] > 0 and each.rule in judged.get(each.key[0], ())
    ]
    known = len(report.findings) - len(kept)
    old = {entry.key[0] for entry in baseline.entries} if baseline.level == "static" else set()
    is_outdone = any(each.source == "trace" and _place(each.revision or "") in old for each in kept)
    return Compared(dataclasses.replace(report, findings=tuple(kept), known=known), tuple(gone), is_outdone)


def _is_known(finding: Finding, left: Counter[tuple[str, str, str]]) -> bool:
    """Whether the finding is one of those left, which are one less then."""
    if finding.revision is None:
        return False
    key = _entry_of(finding).key
    if left[key] <= 0:
        return False
    left[key] -= 1
    return True


def _entries(findings: Iterable[Finding]) -> list[Entry]:
    """What is about no one migration is a problem of today, and never left out."""
    return _summed(_entry_of(finding) for finding in findings if finding.revision is not None)


def _summed(entries: Iterable[Entry]) -> list[Entry]:
    found: dict[tuple[str, str, str], Entry] = {}
    for each in entries:
        before = found.get(each.key)
        found[each.key] = dataclasses.replace(each, count=each.count + (before.count if before else 0))
    return list(found.values())


def _entry_of(finding: Finding) -> Entry:
    text = " ".join((finding.sql or _source_line(finding)).split())
    return Entry(str(finding.revision), finding.rule, hashlib.sha256(text.encode()).hexdigest()[:_DIGITS])


def _source_line(finding: Finding) -> str:
    line = finding.location.line
    return "".join(text for _, text in source_lines(finding.location.path, line, line))


def _entry(written: Any) -> Entry:
    entry = Entry(written["revision"], written["rule"], written["digest"], int(written["count"]))
    if not all(isinstance(each, str) for each in (entry.revision, entry.rule, entry.digest)):
        raise TypeError
    return entry


def _place(revision: str) -> str:
    return slug_of(revision) or revision


def _unreadable(path: Path, why: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"{path.name} cannot be read: {why}",
        hint="resolve a conflict in it by hand, or write it anew: notifydb lint --all --baseline",
    )
