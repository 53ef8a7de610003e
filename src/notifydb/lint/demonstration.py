"""What lint really says about a rule's examples: for its page, for `notifydb rules`, and for its tests."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

from notifydb.findings import Report
from notifydb.lint.engine import lint
from notifydb.lint.example import Example
from notifydb.lint.options import Options
from notifydb.lint.rule import Rule
from notifydb.migrator.config import Project
from notifydb.reporters import terminal
from notifydb.reporters.base import View
from notifydb.revisions import headfile
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows


def judge(example: Example, root: Path, server_url: str | None = None, *, also: str | None = None) -> Report:
    """Writes the example's project below `root` and lints the migration that it is about.

    With a `server_url` it is traced on shadow databases there. `also` is a rule that runs besides those that
    always do.
    """
    revision = example.write(root)
    project = Project(root, root / "migrations")
    history = read_history(project.versions)
    shadows = Shadows(server_url, project, history, keep=100) if server_url else None
    head_file = project.script_location / headfile.HEAD_FILE
    options = Options(
        mode="trace" if server_url else "static",
        head_file=head_file if head_file.exists() else None,
        extend_select=frozenset({also} if also else ()),
        **example.options,
    )
    return lint(history, [revision], project, shadows=shadows, options=options)


def output(rule: Rule, example: Example, server_url: str | None = None) -> str | None:
    """What `notifydb lint` prints of the findings, without what it prints below them.

    None where only the trace finds something, and there is no server for it. What may be another in each run
    is left out: durations, and locks that the rule does not claim, which may have been polled too late.
    """
    if example.trace_only and server_url is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        report = judge(example, root, server_url, also=rule.name)
        kept = tuple(
            dataclasses.replace(each, duration_ms=None, locks=each.locks if rule.lock else ())
            for each in report.findings
        )
        text = terminal.render(dataclasses.replace(report, findings=kept), View(root))
    findings, _, _ = text.rpartition("\n\n")
    return findings
