"""The report for people: where, what happens in production, what was measured, and the safe form to paste."""

from __future__ import annotations

import io
import itertools
import re
import textwrap
from collections import Counter
from typing import Final

from rich.console import Console
from rich.text import Text

from notifydb.findings import Finding, Report, Severity
from notifydb.reporters.base import View, by_severity, expected, measured, reasons, source_lines, totals
from notifydb.reporters.words import count, printable, relative, shortened

_STYLES: Final = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold blue"}
_STATUS: Final = {"static": "", "confirmed": ", confirmed by trace", "raised": ", raised by trace"}
_MOST_LINES: Final = 6
_MOST_COLUMNS: Final = 200
_MOST_TEXT: Final = 2000
#: So often a rule's safe form is shown with other names in it; after that the reader knows it.
_MOST_FORMS: Final = 3
#: With more findings than that, a table by rule says what there is.
_MANY: Final = 10
_INDENT: Final = "    "
#: How a comment begins, by the kind of file; an ignore is one.
_COMMENTS: Final = {".py": "#", ".sql": "--"}
_PROSE: Final = re.compile(r"[A-Z][a-z]* .*[.:]", re.DOTALL)


def render(report: Report, view: View) -> str:
    """The findings of each file together, then what it comes to; `verbose` adds what was refuted."""
    page = _Page(view)
    for path, findings in itertools.groupby(
        _together(report.findings), key=lambda each: relative(each.location.path, view.root)
    ):
        page.line(printable(path), "bold")
        for finding in findings:
            page.finding(finding)
            page.line()
    for finding in report.refuted if view.verbose else ():
        page.refuted(finding)
    page.skipped(report)
    page.summary(report)
    return _ansi(page.text) if view.color else page.text.plain


def _together(findings: tuple[Finding, ...]) -> list[Finding]:
    """In the order of the report, but each file's findings in one place."""
    first: dict[str, int] = {}
    for finding in findings:
        first.setdefault(str(finding.location.path), len(first))
    return sorted(findings, key=lambda finding: first[str(finding.location.path)])


class _Page:
    """The text so far, and which safe forms are in it."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.text = Text()
        self._forms: dict[str, Finding] = {}
        self._shown: Counter[str] = Counter()

    def line(self, words: str = "", style: str = "") -> None:
        self.text.append(f"{words}\n", style)

    def finding(self, finding: Finding) -> None:
        self.text.append(f"{finding.location.line:>5}: ", "bold")
        self.text.append(finding.severity.value, _STYLES[finding.severity])
        self.line(f": {finding.rule}{_STATUS[finding.status]}")
        shown = self._source(finding)
        if finding.sql and _opening(finding.sql) not in shown:
            self._paragraph(f"sends: {shortened(finding.sql, self.view.width)}", "dim")
        self._paragraph(finding.message)
        if words := measured(finding):
            self._paragraph(f"Measured: {words}.", "cyan")
        if words := expected(finding):
            self._paragraph(f"In production: {words}.", "bold cyan")
        for frame in finding.frames[1:]:
            if frame.path.resolve() != finding.location.path.resolve():
                self._paragraph(f"through {relative(frame.path, self.view.root)}:{frame.line}", "dim")
        if finding.help:
            self._form(finding, finding.help)

    def _source(self, finding: Finding) -> str:
        """Shows the lines and returns them as one."""
        first = finding.location.line
        last = finding.location.end_line or first
        lines = source_lines(finding.location.path, first, min(last, first + _MOST_LINES - 1))
        common = min((len(line) - len(line.lstrip()) for _, line in lines if line.strip()), default=0)
        for number, line in lines:
            self.text.append(f"{number:>7} | ", "dim")
            self.line(printable(line[common : common + _MOST_COLUMNS]))
        if last >= first + _MOST_LINES:
            self.line("        | ...", "dim")
        return " ".join(" ".join(line for _, line in lines).split())

    def _form(self, finding: Finding, form: str) -> None:
        """The safe form, unless the reader has it before their eyes already."""
        before = self._forms.get(form)
        if before is None and self._shown[finding.rule] >= _MOST_FORMS and not self.view.verbose:
            before = self._forms[finding.rule]
        if before is not None:
            place = f"{relative(before.location.path, self.view.root)}:{before.location.line}"
            self._paragraph(f"Safe form: as for {place}", "green")
            return
        self._forms[form] = finding
        self._forms.setdefault(finding.rule, finding)
        self._shown[finding.rule] += 1
        self.line(f"{_INDENT}Safe form:", "green")
        paragraphs = printable(form).split("\n\n")
        filled = [self._filled(each) if _PROSE.fullmatch(each) else each for each in paragraphs]
        self.line(textwrap.indent("\n\n".join(filled), _INDENT * 2))

    def refuted(self, finding: Finding) -> None:
        place = f"{relative(finding.location.path, self.view.root)}:{finding.location.line}"
        work = f"{finding.rows_scanned or 0:,} rows read, {len(finding.rewrites)} rewritten"
        self.line(f"{place}: checked: {finding.rule} does not happen here ({work})", "dim")

    def skipped(self, report: Report) -> None:
        """What was not checked, by its reason: the most frequent ones, or all when verbose."""
        why = sorted(reasons(report.skipped).items(), key=lambda each: -len(each[1]))
        shown = why if self.view.verbose else why[:3]
        for reason, subjects in shown:
            self.line(f"not checked: {shortened(reason, _MOST_TEXT)}{_names(reason, subjects)}", "dim")
        if len(shown) < len(why):
            self.line(f"not checked: {count(len(why) - len(shown), 'more reason')} (-v shows them)", "dim")

    def summary(self, report: Report) -> None:
        if len(report.findings) > _MANY:
            for (rule, severity), number in _by_rule(report):
                self.line(f"{number:>5}  {severity:7}  {rule}")
        parts = [totals(report)]
        if report.skipped:
            parts.append(f"{count(len(report.skipped), 'check')} skipped")
        if report.refuted:
            more = "" if self.view.verbose else " (-v shows them)"
            parts.append(f"{count(len(report.refuted), 'suspicion')} refuted by trace{more}")
        if report.known:
            parts.append(f"{count(report.known, 'known finding')} of the baseline left out")
        self.line(f"{'; '.join(parts)}.", "bold red" if report.failed else "bold green")
        if report.failed:
            worst = max(report.findings, key=lambda each: (each.severity is Severity.ERROR, bool(each.sql)))
            self._next(worst)
            mendable = sum(1 for finding in report.findings if finding.fix and finding.fix.rewrite)
            if mendable:
                self.line(f"  or, to see {mendable} of them mended: notifydb lint --diff", "cyan")
            if len(report.findings) > _MANY and report.revisions_checked and not report.known:
                self.line(
                    "  or, to begin with an old history as it is: notifydb lint --all --baseline", "cyan"
                )

    def _next(self, finding: Finding) -> None:
        self.line(f"  next: notifydb rules {finding.rule}", "cyan")
        mark = _COMMENTS.get(finding.location.path.suffix)
        if mark is not None:
            ignore = f"{mark} notifydb: ignore[{finding.rule}] because ..."
            self.line(f"  or, to keep it as it is, on its line: {ignore}", "cyan")

    def _paragraph(self, words: str, style: str = "") -> None:
        self.line(textwrap.indent(self._filled(shortened(words, _MOST_TEXT)), _INDENT), style)

    def _filled(self, words: str) -> str:
        return textwrap.fill(words, max(20, self.view.width - 2 * len(_INDENT)), break_on_hyphens=False)


def _opening(sql: str) -> str:
    return " ".join(sql[:500].split()[:3])


def _names(reason: str, subjects: list[str]) -> str:
    """Whom the reason is about, where it does not say so itself."""
    if all(subject in reason for subject in subjects):
        return ""
    return ": " + ", ".join(subjects[:3]) + (f" and {len(subjects) - 3} more" if len(subjects) > 3 else "")


def _by_rule(report: Report) -> list[tuple[tuple[str, str], int]]:
    counted = Counter((finding.rule, finding.severity.value) for finding in report.findings)
    order = {severity.value: number for number, severity in enumerate(by_severity(report.findings))}
    return sorted(counted.items(), key=lambda each: (order[each[0][1]], -each[1], each[0][0]))


def _ansi(text: Text) -> str:
    buffer = io.StringIO()
    console = Console(
        file=buffer, force_terminal=True, color_system="standard", width=10_000, highlight=False
    )
    console.print(text, end="", soft_wrap=True, highlight=False)
    return buffer.getvalue()
