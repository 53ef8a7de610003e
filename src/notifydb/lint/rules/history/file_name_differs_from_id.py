"""Finds files that are named after another revision."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import Context
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import assignment_line
from notifydb.revisions.graph import History


class FileNameDiffersFromId(Rule):
    """A file whose name is not the revision's id.

    People and scripts look for the id among the files, and sort the files by name; both go wrong.
    """

    name = "file-name-differs-from-id"
    family = "history"
    severity = Severity.WARNING
    help = """
        Rename the file to {id}.py, or run `notifydb migrate renumber`.
    """
    bad = (Example('op.execute("SELECT 1")', file="0002_other.py"),)
    good = (Example('op.execute("SELECT 1")'),)

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:
        for revision in history.ordered():
            if revision.id in ctx.scope and revision.path.stem != revision.id:
                yield self.finding_at(
                    revision,
                    assignment_line(revision, "revision"),
                    f"The file {revision.path.name} holds the revision {revision.id}.",
                    id=revision.id,
                )
