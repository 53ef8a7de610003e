"""Finds suppressions that silence nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.suppress import Ignore


class UnusedIgnore(Rule):
    """An ignore whose rule finds nothing at its operation.

    The operation has changed, or the comment stands beside another one; either way it would hide the next
    real finding. Where a level could not be checked, ignores for its rules are left alone.
    """

    name = "unused-ignore"
    family = "suppression"
    severity = Severity.WARNING
    help = """
        Delete the comment, or put it beside the operation that it is meant for.
    """
    bad = (
        Example("""
            # notifydb: ignore[drop-column] because nobody reads it
            op.add_column("users", sa.Column("nickname", sa.Text))
            op.add_column("users", sa.Column("title", sa.Text))
            """),
    )
    good = (
        Example("""
            # notifydb: ignore[drop-column] because nobody reads it
            op.drop_column("users", "logins")
            """),
    )

    def check_ignores(self, ignores: Sequence[Ignore], ctx: RevisionContext) -> Iterator[Finding]:
        for ignore in ignores:
            judged = ctx.judged.issuperset(ignore.mark.rules)
            if judged and ignore not in ctx.used and ignore.holds(ctx.options.today):
                message = f"{', '.join(ignore.mark.rules)} finds nothing here."
                yield self.finding_at(ctx.revision, ignore.line, message)
