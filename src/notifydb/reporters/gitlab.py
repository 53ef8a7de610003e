"""The report as GitLab's code quality JSON, which shows findings beside the lines of a merge request."""

from __future__ import annotations

import json
from typing import Any, Final

from notifydb.findings import Finding, Report, Severity, fingerprints
from notifydb.reporters.base import View, expected
from notifydb.reporters.words import relative, shortened

_SEVERITIES: Final = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.INFO: "info"}
_MOST: Final = 1000


def render(report: Report, view: View) -> str:
    """A JSON array, empty when nothing was found, with a newline at the end."""
    digests = fingerprints(report.findings)
    issues = [_issue(finding, digest, view) for finding, digest in zip(report.findings, digests, strict=True)]
    return json.dumps(issues, indent=2) + "\n"


def _issue(finding: Finding, fingerprint: str, view: View) -> dict[str, Any]:
    words = expected(finding)
    return {
        "description": shortened(f"{finding.message}{f' In production: {words}.' if words else ''}", _MOST),
        "check_name": finding.rule,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {
            "path": relative(finding.location.path, view.root),
            "lines": {
                "begin": finding.location.line,
                "end": finding.location.end_line or finding.location.line,
            },
        },
    }
