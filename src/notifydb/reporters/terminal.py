"""The report for people: where, what happens in production, what was measured, and the safe form to paste."""

from __future__ import annotations

import io
import textwrap

from rich.console import Console
from rich.text import Text

from notifydb.findings import Finding, Report, Severity
from notifydb.reporters.base import View, count, relative, source_lines

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}
_STATUS = {"static": "", "confirmed": ", confirmed by trace", "raised": ", raised by trace"}
_WIDTH = 100
_MOST_LINES = 6
_INDENT = "    "
_REPLACED = "\N{REPLACEMENT CHARACTER}"


def render(report: Report, view: View) -> str:
    """All findings, one summary line, a newline at the end; `verbose` adds what was refuted or skipped."""
    text = Text()
    for finding in report.findings:
        _finding(text, finding, view)
    if view.verbose:
        for finding in report.refuted:
            _refuted(text, finding, view)
    for reason, subjects in _skips(report).items():
        shown = ", ".join(subjects[:3]) + (f" and {len(subjects) - 3} more" if len(subjects) > 3 else "")
        text.append(f"not checked: {reason}: {shown}\n" if view.verbose else "", "dim")
    _summary(text, report, view)
    return _ansi(text) if view.color else text.plain


def _finding(text: Text, finding: Finding, view: View) -> None:
    place = f"{relative(finding.location.path, view.root)}:{finding.location.line}"
    text.append(place, "bold")
    text.append("  ")
    text.append(finding.severity.value, _STYLES[finding.severity])
    text.append(f"  {finding.rule}{_STATUS[finding.status]}\n")
    shown = _source(text, finding)
    if finding.sql and _opening(finding.sql) not in shown:
        _paragraph(text, f"sends: {textwrap.shorten(finding.sql, _WIDTH)}", "dim")
    _paragraph(text, finding.message)
    measured = _measured(finding)
    if measured:
        _paragraph(text, f"Measured: {measured}.", "cyan")
    for frame in finding.frames[1:]:
        if frame.path.resolve() != finding.location.path.resolve():
            _paragraph(text, f"through {relative(frame.path, view.root)}:{frame.line}", "dim")
    if finding.help:
        text.append(f"{_INDENT}Safe form:\n", "green")
        text.append(textwrap.indent(_printable(finding.help), _INDENT * 2) + "\n")
    text.append("\n")


def _opening(sql: str) -> str:
    return " ".join(sql.split()[:3])


def _source(text: Text, finding: Finding) -> str:
    """Shows the lines and returns them as one."""
    first = finding.location.line
    last = finding.location.end_line or first
    lines = source_lines(finding.location.path, first, min(last, first + _MOST_LINES - 1))
    common = min((len(line) - len(line.lstrip()) for _, line in lines if line.strip()), default=0)
    for number, line in lines:
        text.append(f"{number:>6} | ", "dim")
        text.append(f"{_printable(line[common:])}\n")
    if last >= first + _MOST_LINES:
        text.append("       | ...\n", "dim")
    return " ".join(" ".join(line for _, line in lines).split())


def _measured(finding: Finding) -> str:
    parts = [f"{lock.mode} on {lock.relation}" for lock in finding.locks[:4]]
    if len(finding.locks) > 4:
        parts.append(f"{len(finding.locks) - 4} more locks")
    if finding.rows_scanned:
        parts.append(f"{count(finding.rows_scanned, 'row')} read")
    if finding.rewrites:
        parts.append(f"{', '.join(finding.rewrites)} rewritten")
    if parts and finding.duration_ms is not None:
        parts.append(f"{finding.duration_ms:.1f} ms")
    return ", ".join(parts)


def _refuted(text: Text, finding: Finding, view: View) -> None:
    place = f"{relative(finding.location.path, view.root)}:{finding.location.line}"
    text.append(f"{place}  checked: {finding.rule} does not happen here", "dim")
    text.append(f" ({finding.rows_scanned or 0:,} rows read, {len(finding.rewrites)} rewritten)\n", "dim")


def _skips(report: Report) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for skipped in report.skipped:
        reasons.setdefault(f"{skipped.level}: {_printable(skipped.reason)}", []).append(skipped.subject)
    return reasons


def _summary(text: Text, report: Report, view: View) -> None:
    severities = [finding.severity for finding in report.findings]
    found = [f"{count(severities.count(each), each.value)}" for each in Severity if each in severities]
    parts = [count(len(severities), "finding") + (f" ({', '.join(found)})" if found else "")]
    if report.skipped:
        parts.append(count(len(report.skipped), "check") + " skipped")
    if report.refuted:
        parts.append(count(len(report.refuted), "suspicion") + " refuted by trace")
    if report.known:
        parts.append(count(report.known, "known finding") + " of the baseline left out")
    more = " (-v shows them)" if (report.skipped or report.refuted) and not view.verbose else ""
    style = "bold red" if report.failed else "bold green"
    text.append(
        f"{', '.join(parts)}{more} in {count(report.revisions_checked, 'migration')}{_level(report)}.\n",
        style,
    )


def _level(report: Report) -> str:
    if report.untraced:
        return f", not run on a shadow: {_printable(report.untraced)}"
    return ", run on a shadow" if report.judged else ""


def _paragraph(text: Text, words: str, style: str = "") -> None:
    wrapped = textwrap.fill(
        _printable(words), _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False
    )
    text.append(f"{wrapped}\n", style)


def _printable(text: str) -> str:
    """Without control characters: what a migration says must not steer the terminal."""
    return "".join(
        each if each == "\n" or each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _ansi(text: Text) -> str:
    buffer = io.StringIO()
    console = Console(
        file=buffer, force_terminal=True, color_system="standard", width=10_000, highlight=False
    )
    console.print(text, end="", soft_wrap=True, highlight=False)
    return buffer.getvalue()
