"""The report as JSON, for programs: versioned, lines from 1, paths from the project's root."""

from __future__ import annotations

import json
from typing import Any

from notifydb.findings import Finding, Report, Skipped
from notifydb.reporters.base import View, relative

VERSION = 1


def render(report: Report, view: View) -> str:
    """`{"version": 1, "findings": [...], "skipped": [...], "known": 0}`, with a newline at the end."""
    document = {
        "version": VERSION,
        "findings": [_finding(finding, view) for finding in report.findings],
        "skipped": [_skipped(skipped) for skipped in report.skipped],
        "known": report.known,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _finding(finding: Finding, view: View) -> dict[str, Any]:
    fix = finding.fix
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "path": relative(finding.location.path, view.root),
        "line": finding.location.line,
        "end_line": finding.location.end_line or finding.location.line,
        "revision": finding.revision,
        "message": finding.message,
        "source": finding.source,
        "status": finding.status,
        "sql": finding.sql,
        "locks": [{"relation": lock.relation, "mode": lock.mode} for lock in finding.locks],
        "rows_scanned": finding.rows_scanned,
        "rewrites": list(finding.rewrites),
        "duration_ms": finding.duration_ms,
        "help": finding.help,
        "fix": fix and {"description": fix.description, "code": fix.code, "safety": fix.safety},
    }


def _skipped(skipped: Skipped) -> dict[str, str]:
    return {"subject": skipped.subject, "level": skipped.level, "reason": skipped.reason}
