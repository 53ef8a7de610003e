"""The report as markdown, for the summary page of a CI job."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

from notifydb.findings import Finding, Report
from notifydb.reporters.base import View, expected, measured, reasons, totals
from notifydb.reporters.words import count, printable, relative, shortened

#: A summary of more than a megabyte is refused as a whole.
_MOST_ROWS: Final = 500
_MOST: Final = 600
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]#|~$])")


def render(report: Report, view: View) -> str:
    """A headline, a table of the findings, the safe form of each rule to unfold, and what was not checked."""
    lines = ["### notifydb lint", "", f"{_escaped(totals(report))}.", ""]
    if report.findings:
        lines += ["| severity | where | rule | what happens |", "|---|---|---|---|"]
        lines += [_row(finding, view) for finding in report.findings[:_MOST_ROWS]]
        left = len(report.findings) - _MOST_ROWS
        lines += ["", *([f"and {left:,} more", ""] if left > 0 else []), *_forms(report)]
    for reason, subjects in reasons(report.skipped).items():
        lines.append(f"- not checked: {_escaped(reason)} ({count(len(subjects), 'time')})")
    return "\n".join(lines).rstrip("\n") + "\n\n"


def _row(finding: Finding, view: View) -> str:
    place = f"{relative(finding.location.path, view.root)}:{finding.location.line}"
    words = [finding.message]
    words += [f"Measured: {text}." for text in (measured(finding),) if text]
    words += [f"In production: {text}." for text in (expected(finding),) if text]
    cells = (finding.severity.value, place, finding.rule, " ".join(words))
    return "| " + " | ".join(map(_escaped, cells)) + " |"


def _forms(report: Report) -> Iterator[str]:
    """The safe form of each rule, once, with the names of its first finding."""
    forms = {finding.rule: finding.help for finding in reversed(report.findings) if finding.help}
    for rule, form in sorted(forms.items()):
        # Indented code needs no fence that the text could close.
        code = [f"    {line}".rstrip() for line in printable(form[: 10 * _MOST]).splitlines()]
        yield from (
            f"<details><summary>{html.escape(rule)}: what to do instead</summary>",
            "",
            *code,
            "",
            "</details>",
            "",
        )


def _escaped(text: str) -> str:
    """As the words that they are: in one line, without markup, HTML or the end of a table's cell."""
    return _SPECIAL.sub(r"\\\1", html.escape(shortened(text, _MOST), quote=False))
