"""Runs the whole engine over a rule's example, as a user's project would be linted."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from notifydb.findings import Report
from notifydb.lint.engine import lint
from notifydb.lint.example import Example
from notifydb.lint.options import Options
from notifydb.migrator.config import Project
from notifydb.revisions import headfile
from notifydb.revisions.reader import read_history
from notifydb.shadow.database import Shadows


def judge(
    example: Example, root: Path, mode: Literal["static", "trace"], server_url: str = "", *, also: str = ""
) -> Report:
    """Writes the example's project below `root` and lints the migration that it is about.

    `also` is a rule that runs besides those that always do.
    """
    revision = example.write(root)
    project = Project(root, root / "migrations")
    history = read_history(project.versions)
    shadows = Shadows(server_url, project, history, keep=100) if mode == "trace" else None
    head_file = project.script_location / headfile.HEAD_FILE
    options = Options(
        mode=mode,
        head_file=head_file if head_file.exists() else None,
        extend_select=frozenset({also} if also else ()),
        **example.options,
    )
    return lint(history, [revision], project, shadows=shadows, options=options)
