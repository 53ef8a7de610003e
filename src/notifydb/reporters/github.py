"""The report as GitHub workflow commands, which annotate the lines of a pull request."""

from __future__ import annotations

from notifydb.findings import Finding, Report, Severity, Skipped
from notifydb.reporters.base import View, relative

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def render(report: Report, view: View) -> str:
    """One command a line; nothing at all when there is nothing to say."""
    lines = [_annotation(finding, view) for finding in report.findings]
    lines += [_notice(skipped) for skipped in report.skipped]
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding, view: View) -> str:
    properties = {
        "file": relative(finding.location.path, view.root),
        "line": str(finding.location.line),
        "endLine": str(finding.location.end_line or finding.location.line),
        "title": f"{finding.rule} ({finding.status})",
    }
    text = f"{finding.message}\n\n{finding.help}" if finding.help else finding.message
    return _command(_COMMANDS[finding.severity], properties, text)


def _notice(skipped: Skipped) -> str:
    text = f"{skipped.subject}: the {skipped.level} was not checked: {skipped.reason}"
    return _command("notice", {"title": "notifydb lint"}, text)


def _command(command: str, properties: dict[str, str], text: str) -> str:
    arguments = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{command} {arguments}::{_data(text)}"


def _data(text: str) -> str:
    """A percent sign first: the others are written with it (GitHub's `@actions/core`, `escapeData`)."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
