"""The report as JSON, for programs: versioned, lines from 1, paths from the project's root."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from notifydb.findings import Finding, Location, Report, Severity, Skipped, fingerprints
from notifydb.reporters.base import View, by_severity
from notifydb.reporters.words import relative

VERSION = 1


def render(report: Report, view: View) -> str:
    """The whole report as one document, with a newline at the end; its shape is in the docs."""
    document = {
        "version": VERSION,
        "counts": _counts(report),
        "findings": _findings(report.findings, view),
        "refuted": _findings(report.refuted, view),
        "skipped": [_skipped(skipped) for skipped in report.skipped],
        "known": report.known,
    }
    return json.dumps(document, indent=2) + "\n"


def _counts(report: Report) -> dict[str, int]:
    found = by_severity(report.findings)
    return {
        **{severity.value: found.get(severity, 0) for severity in Severity},
        "refuted": len(report.refuted),
        "skipped": len(report.skipped),
        "revisions": report.revisions_checked,
        "files": report.files_checked,
    }


def _findings(findings: Sequence[Finding], view: View) -> list[dict[str, Any]]:
    return [
        {**_finding(finding, view), "fingerprint": fingerprint}
        for finding, fingerprint in zip(findings, fingerprints(findings), strict=True)
    ]


def _finding(finding: Finding, view: View) -> dict[str, Any]:
    fix = finding.fix
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        **_place(finding.location, view),
        "revision": finding.revision,
        "message": finding.message,
        "source": finding.source,
        "status": finding.status,
        "sql": finding.sql,
        "locks": [{"relation": lock.relation, "mode": lock.mode} for lock in finding.locks],
        "waits": finding.waits,
        "rows_scanned": finding.rows_scanned,
        "rewrites": list(finding.rewrites),
        "duration_ms": finding.duration_ms,
        "production_rows": finding.production_rows,
        "estimate_ms": finding.estimate_ms,
        "help": finding.help,
        "fix": fix and {"description": fix.description, "code": fix.code, "safety": fix.safety},
        "frames": [_place(frame, view) for frame in finding.frames],
    }


def _place(location: Location, view: View) -> dict[str, Any]:
    return {
        "path": relative(location.path, view.root),
        "line": location.line,
        "end_line": location.end_line or location.line,
    }


def _skipped(skipped: Skipped) -> dict[str, str]:
    return {"subject": skipped.subject, "level": skipped.level, "reason": skipped.reason}
