"""The report as SARIF 2.1.0, the exchange format of static analysis tools (OASIS)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from notifydb import __version__
from notifydb.findings import Finding, Location, Report, Severity, Skipped
from notifydb.reporters.base import View, relative

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report, view: View) -> str:
    """One run; its rules are those that found something, what was skipped are its notifications."""
    rules = {finding.rule: finding for finding in report.findings}
    names = sorted(rules)
    run = {
        "tool": {
            "driver": {
                "name": "notifydb",
                "version": __version__,
                "rules": [_rule(rules[name]) for name in names],
            }
        },
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "The project's root."}}},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [_notification(skipped) for skipped in report.skipped],
            }
        ],
        "results": [_result(finding, names.index(finding.rule), view) for finding in report.findings],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(finding: Finding) -> dict[str, Any]:
    return {
        "id": finding.rule,
        "shortDescription": {"text": finding.rule.replace("-", " ")},
        "help": {"text": finding.help or finding.message},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }


def _result(finding: Finding, index: int, view: View) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": _place(finding.location, view)}],
        "properties": {
            "revision": finding.revision,
            "source": finding.source,
            "status": finding.status,
            "locks": [f"{lock.mode} on {lock.relation}" for lock in finding.locks],
            "rowsScanned": finding.rows_scanned,
        },
    }
    if finding.frames:
        result["stacks"] = [{"frames": [_frame(frame, view) for frame in reversed(finding.frames)]}]
    return result


def _frame(frame: Location, view: View) -> dict[str, Any]:
    return {"location": {"physicalLocation": _place(frame, view)}}


def _place(location: Location, view: View) -> dict[str, Any]:
    uri = quote(relative(location.path, view.root))
    last = location.end_line or location.line
    return {
        "artifactLocation": {"uri": uri, "uriBaseId": "ROOT"},
        "region": {"startLine": location.line, "endLine": last},
    }


def _notification(skipped: Skipped) -> dict[str, Any]:
    text = f"{skipped.subject}: the {skipped.level} was not checked: {skipped.reason}"
    return {"level": "warning", "message": {"text": text}}
