"""What reporters share: how a report is viewed, source lines, totals, what of a finding is worth telling."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from notifydb.findings import Finding, Report, Severity, Skipped
from notifydb.reporters.words import count, duration, printable, roughly_many


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """How a report is to be shown: paths relative to `root`; the rest is for people only.

    `width` is in columns.
    """

    root: Path
    color: bool = False
    verbose: bool = False
    width: int = 100


Reporter = Callable[[Report, View], str]


def source_lines(path: Path, first: int, last: int) -> list[tuple[int, str]]:
    """The numbered lines of a file; none when it cannot be read."""
    try:
        lines = _lines_of(path, path.stat().st_mtime_ns)
    except OSError:
        return []
    return [(number, lines[number - 1]) for number in range(first, last + 1) if 0 < number <= len(lines)]


@functools.lru_cache(maxsize=1)
def _lines_of(path: Path, _written_ns: int) -> list[str]:
    """Findings come file by file, and a file may have thousands."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """How many there are of each severity, the worst first; what there is none of is left out."""
    counted = Counter(finding.severity for finding in findings)
    return {severity: counted[severity] for severity in Severity if counted[severity]}


def totals(report: Report) -> str:
    """`2 findings (1 error, 1 warning) in 3 migrations, run on a shadow`."""
    counted = by_severity(report.findings).items()
    parts = ", ".join(count(number, severity.value) for severity, number in counted)
    found = count(len(report.findings), "finding") + (f" ({parts})" if parts else "")
    return f"{found} in {_checked(report)}{_level(report)}"


def _checked(report: Report) -> str:
    migrations = count(report.revisions_checked, "migration")
    files = f"{count(report.files_checked, 'file')} of SQL"
    if not report.files_checked:
        return migrations
    return f"{migrations} and {files}" if report.revisions_checked else files


def _level(report: Report) -> str:
    if report.untraced:
        return f", not run on a shadow: {printable(report.untraced)}"
    return ", run on a shadow" if report.judged or report.files_checked else ""


def reasons(skipped: Iterable[Skipped]) -> dict[str, list[str]]:
    """What could not be checked, by why; many migrations share one reason."""
    found: dict[str, list[str]] = {}
    for each in skipped:
        found.setdefault(f"{each.level}: {printable(each.reason)}", []).append(printable(each.subject))
    return found


def measured(finding: Finding) -> str:
    """What the trace saw, in a few words; empty where it saw nothing worth telling."""
    parts = [f"{lock.mode} on {lock.relation}" for lock in finding.locks[:4]]
    if len(finding.locks) > 4:
        parts.append(f"{len(finding.locks) - 4} more locks")
    if finding.rows_scanned:
        parts.append(f"{count(finding.rows_scanned, 'row')} read")
    if finding.rewrites:
        parts.append(f"{', '.join(finding.rewrites)} rewritten")
    if parts and finding.duration_ms is not None:
        parts.append(duration(finding.duration_ms))
    return ", ".join(parts)


def expected(finding: Finding) -> str:
    """What production makes of it: how long, with how many rows, and who waits; empty where nobody knows."""
    if finding.production_rows is None:
        return ""
    rows = roughly_many(finding.production_rows)
    if finding.estimate_ms is None:
        return rows
    held = f", while {finding.waits}" if finding.waits else ""
    return f"about {duration(finding.estimate_ms, roughly=True)} with {rows}{held}"
