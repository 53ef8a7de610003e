"""Finds suppressions whose time is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.suppress import Ignore


class ExpiredIgnore(Rule):
    """An ignore whose last day has passed.

    It silences nothing any more: what it was about is told again, beside this.
    """

    name = "expired-ignore"
    family = "suppression"
    severity = Severity.WARNING
    help = """
        Do what was put off, or give it another day, and say why in the review.
    """
    bad = (
        Example("""
            # notifydb: ignore[drop-column] until 2020-01-31 because the old workers are gone by then
            op.add_column("users", sa.Column("nickname", sa.Text))
            """),
    )
    good = (
        Example("""
            # notifydb: ignore[drop-column] until 2999-12-31 because the old workers are gone by then
            op.drop_column("users", "logins")
            """),
    )

    def check_ignores(self, ignores: Sequence[Ignore], ctx: RevisionContext) -> Iterator[Finding]:
        for ignore in ignores:
            if ignore.mark.problem is None and ignore.is_over(ctx.options.today):
                message = (
                    f"{', '.join(ignore.mark.rules)} was accepted until {ignore.mark.until}, and no longer."
                )
                yield self.finding_at(ctx.revision, ignore.line, message)
