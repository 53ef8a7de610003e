"""Finds merges in a history that is to be one line."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import Context
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import assignment_line
from notifydb.revisions.graph import History


class MergeRevision(Rule):
    """A revision that joins two heads.

    Which of the two branches runs first is open, so no two databases need to have gone the same way, and a
    merge stands on several states, so it cannot be tried on one. Moving one branch on top of the other keeps
    the history one line.
    """

    name = "merge-revision"
    family = "history"
    severity = Severity.WARNING
    opt_in = True
    help = """
        notifydb migrate rebase
    """
    bad = (
        Example(
            "pass",
            downgrade="pass",
            files={
                "0002_example.py": """
                    revision = "0002_example"
                    down_revision = ("0001_before", "0001_other")


                    def upgrade():
                        pass


                    def downgrade():
                        pass
                    """,
                "0001_other.py": """
                    revision = "0001_other"
                    down_revision = None


                    def upgrade():
                        pass


                    def downgrade():
                        pass
                    """,
            },
        ),
    )
    good = (Example("pass", downgrade="pass"),)

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:
        for revision in history.ordered():
            if revision.id in ctx.scope and len(revision.down_revisions) > 1:
                yield self.finding_at(
                    revision,
                    assignment_line(revision, "down_revision"),
                    f"It joins {' and '.join(revision.down_revisions)}: which of them runs first is open.",
                )
