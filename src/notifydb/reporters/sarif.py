"""The report as SARIF 2.1.0, the exchange format of static analysis tools (OASIS)."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from notifydb import __version__
from notifydb.findings import Finding, Location, Report, RuleInfo, Severity, Skipped, fingerprints
from notifydb.reporters.base import View
from notifydb.reporters.words import relative

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def render(report: Report, view: View) -> str:
    """One run; its rules are those that found something, what was skipped are its notifications."""
    names = sorted({finding.rule for finding in report.findings})
    known = {rule.name: rule for rule in report.rules}
    digests = fingerprints(report.findings)
    run = {
        "tool": {
            "driver": {
                "name": "notifydb",
                "version": __version__,
                "rules": [_rule(known[name]) if name in known else {"id": name} for name in names],
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
        "results": [
            _result(finding, names.index(finding.rule), digest, view)
            for finding, digest in zip(report.findings, digests, strict=True)
        ],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(rule: RuleInfo) -> dict[str, Any]:
    first, _, rest = rule.description.partition("\n")
    help_ = f"{rule.description}\n\nWhat to do instead:\n\n"
    return {
        "id": rule.name,
        "shortDescription": {"text": first},
        "fullDescription": {"text": rest.strip() or first},
        "help": {"text": f"{help_}{rule.help}", "markdown": f"{help_}````\n{rule.help}\n````"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.family]},
    }


def _result(finding: Finding, index: int, fingerprint: str, view: View) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": _place(finding.location, view)}],
        # The first is our own; the second is the one that GitHub goes by.
        "partialFingerprints": {"statement/v1": fingerprint, "primaryLocationLineHash": f"{fingerprint}:1"},
        "properties": {
            "revision": finding.revision,
            "source": finding.source,
            "status": finding.status,
            "locks": [f"{lock.mode} on {lock.relation}" for lock in finding.locks],
            "waits": finding.waits,
            "rowsScanned": finding.rows_scanned,
            "productionRows": finding.production_rows,
            "estimateMs": finding.estimate_ms,
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
