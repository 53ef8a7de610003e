"""How `notifydb lint` reports."""

from __future__ import annotations

import dataclasses
import enum
from typing import TYPE_CHECKING

from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.findings import Finding, Report


class LintFormat(enum.StrEnum):
    """For people, programs, GitHub's annotations, or code scanning."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


def show(deps: Deps, report: Report, output: LintFormat, *, verbose: bool) -> None:
    """Writes the report to stdout, without secrets."""
    from notifydb.reporters import REPORTERS, View
    from notifydb.settings import redact

    view = View(deps.loaded.root, color=deps.console.colors and output is LintFormat.TEXT, verbose=verbose)
    render = REPORTERS["terminal" if output is LintFormat.TEXT else output.value]
    text = render(_without_secrets(report), view)
    # The terminal's text shows lines of the file, too.
    deps.console.raw(redact(text) if output is LintFormat.TEXT else text)


def _without_secrets(report: Report) -> Report:
    """Redacted value by value: in a finished JSON document a cut could take a quote along."""
    from notifydb.settings import redact

    def clean(finding: Finding) -> Finding:
        sql = finding.sql and redact(finding.sql)
        return dataclasses.replace(finding, message=redact(finding.message), sql=sql)

    return dataclasses.replace(
        report,
        findings=tuple(map(clean, report.findings)),
        refuted=tuple(map(clean, report.refuted)),
        skipped=tuple(dataclasses.replace(each, reason=redact(each.reason)) for each in report.skipped),
    )
