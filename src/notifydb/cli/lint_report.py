"""How `notifydb lint` reports."""

from __future__ import annotations

import dataclasses
import enum
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.findings import Finding, Report
    from notifydb.reporters.base import View

#: GitHub's name for the file that becomes the page of a job.
_SUMMARY: Final = "GITHUB_STEP_SUMMARY"
#: Longer lines are hard to read.
_WIDEST: Final = 100


class LintFormat(enum.StrEnum):
    """For people, programs, GitHub's annotations, GitLab's code quality, or code scanning."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    GITLAB = "gitlab"
    SARIF = "sarif"


def show(deps: Deps, report: Report, output: LintFormat, *, verbose: bool) -> None:
    """Writes the report to stdout, without secrets; for GitHub also to the job's summary."""
    from notifydb.reporters.base import View
    from notifydb.reporters.formats import REPORTERS
    from notifydb.settings import redact

    is_text = output is LintFormat.TEXT
    width = min(deps.console.width, _WIDEST)
    view = View(deps.loaded.root, deps.console.colors and is_text, verbose, width)
    report = _without_secrets(report)
    text = REPORTERS["terminal" if is_text else output.value](report, view)
    # The terminal's text shows lines of the file, too.
    deps.console.raw(redact(text) if is_text else text)
    if output is LintFormat.GITHUB and os.environ.get(_SUMMARY):
        _summarize(deps, report, view, Path(os.environ[_SUMMARY]))


def _summarize(deps: Deps, report: Report, view: View, path: Path) -> None:
    """Adds to what other steps of the job have written; that it cannot is no reason to fail."""
    from notifydb.reporters.formats import REPORTERS

    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(REPORTERS["markdown"](report, view))
    except OSError as error:
        deps.console.say(f"the job's summary is not written: {error}", style="yellow")


def _without_secrets(report: Report) -> Report:
    """Redacted value by value: in a finished JSON document a cut could take a quote along."""
    from notifydb.settings import redact

    def clean(finding: Finding) -> Finding:
        return dataclasses.replace(
            finding,
            message=redact(finding.message),
            sql=finding.sql and redact(finding.sql),
            help=finding.help and redact(finding.help),
        )

    return dataclasses.replace(
        report,
        findings=tuple(map(clean, report.findings)),
        refuted=tuple(map(clean, report.refuted)),
        skipped=tuple(dataclasses.replace(each, reason=redact(each.reason)) for each in report.skipped),
    )
