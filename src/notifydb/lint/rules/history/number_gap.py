"""Finds revisions whose number does not follow that of their parent."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import Context
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import assignment_line
from notifydb.revisions import naming
from notifydb.revisions.graph import History


class NumberGap(Rule):
    """A number that is not one more than the parent's.

    A gap looks like a migration that was lost, and a number that goes back runs in another order than the
    files are sorted in.
    """

    name = "number-gap"
    family = "history"
    severity = Severity.WARNING
    help = """
        notifydb migrate renumber
    """
    bad = (Example('op.execute("SELECT 1")', revision="0005_example"),)
    good = (
        Example('op.execute("SELECT 1")'),
        Example('op.execute("SELECT 1")', revision="ab12cd34"),
    )

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:
        for revision in history.ordered():
            if revision.id not in ctx.scope or len(revision.down_revisions) != 1:
                continue
            parent = revision.down_revisions[0]
            number, before = naming.number_of(revision.id), naming.number_of(parent)
            if number is not None and before is not None and number != before + 1:
                yield self.finding_at(
                    revision,
                    assignment_line(revision, "revision"),
                    f"{revision.id} stands on {parent}: its number should be {before + 1}.",
                )
