"""What reporters share: paths as readers know them, source lines, counts, durations, printable text."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from notifydb.findings import Finding, Report, Severity, Skipped

#: Milliseconds of each unit, and where the next one begins.
_UNITS: Final = ((1, "ms", 1000), (1000, "s", 120), (60_000, "min", 120))
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


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


def relative(path: Path, root: Path) -> str:
    """The path from the project's root with forward slashes; as it is, where it lies outside or is `<stdin>`."""
    if path.name.startswith("<"):
        return path.name
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


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


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 finding`, `2 findings`, `1,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


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


def roughly_many(rows: int) -> str:
    """`12 million rows`: it is an estimate of the server's."""
    if rows < 1_000_000:
        return count(rows, "row")
    millions = rows / 1_000_000
    return f"{millions:.1f} million rows" if millions < 10 else f"{millions:,.0f} million rows"


def bytes_of(number: float) -> str:
    """`812 B`, `14 kB`, `8 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.0f} TB"


def duration(milliseconds: float, *, roughly: bool = False) -> str:
    """`3.1 ms`, `41 s`, `4.2 min`, `3 h`; or, as an estimate deserves, `3 ms`, `40 s`, `4 min`."""
    hours = (3_600_000, "h", float("inf"))
    size, unit = next((size, unit) for size, unit, limit in (*_UNITS, hours) if milliseconds / size < limit)
    amount = milliseconds / size
    if roughly:
        return f"{float(f'{amount:.1g}'):,.0f} {unit}" if amount >= 1 else f"1 {unit}"
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"


def printable(text: str) -> str:
    """Without control characters: what a migration says must not steer a terminal or end a line."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "".join(each if each == "\n" or each.isprintable() else _REPLACEMENT for each in text)


def shortened(text: str, most: int) -> str:
    """At most that many characters, in one line."""
    # Of a megabyte of SQL only the beginning is worth splitting.
    line = " ".join(printable(text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."
