"""The report as GitHub workflow commands, which annotate the lines of a pull request."""

from __future__ import annotations

from typing import Final

from notifydb.findings import Finding, Report, Severity
from notifydb.reporters.base import View, expected, measured, reasons
from notifydb.reporters.words import count, printable, relative

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
#: GitHub shows ten annotations of a level for each step; what comes first is what is seen.
_SHOWN: Final = 10
#: An annotation's message may have 64 KB.
_MOST: Final = 8000


def render(report: Report, view: View) -> str:
    """One command a line, the worst first; nothing at all when there is nothing to say."""
    worst_first = sorted(report.findings, key=lambda finding: list(Severity).index(finding.severity))
    lines = [*_notices(report), *(_annotation(finding, view) for finding in worst_first)]
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding, view: View) -> str:
    properties = {
        "file": relative(finding.location.path, view.root),
        "line": str(finding.location.line),
        "endLine": str(finding.location.end_line or finding.location.line),
        "title": f"{finding.rule} ({finding.status})",
    }
    text = finding.message
    for title, words in (("Measured", measured(finding)), ("In production", expected(finding))):
        text += f"\n{title}: {words}." if words else ""
    text += f"\n\n{finding.help}" if finding.help else ""
    return _command(_COMMANDS[finding.severity], properties, text)


def _notices(report: Report) -> list[str]:
    """What no line is to blame for, in as few annotations as can be."""
    texts = []
    if len(report.findings) > _SHOWN:
        texts.append(
            f"{count(len(report.findings), 'finding')}; the job's summary has those that are not shown here"
        )
    if report.skipped:
        lines = [
            f"{reason} ({', '.join(subjects[:3])})" for reason, subjects in reasons(report.skipped).items()
        ]
        texts.append("\n".join([f"{count(len(report.skipped), 'check')} skipped:", *lines]))
    return [_command("notice", {"title": "notifydb lint"}, text) for text in texts]


def _command(command: str, properties: dict[str, str], text: str) -> str:
    arguments = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {arguments}::{_data(text[:_MOST])}"


def _data(text: str) -> str:
    """A percent sign first: the others are written with it (GitHub's `@actions/core`, `escapeData`)."""
    return printable(text).replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
