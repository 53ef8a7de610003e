"""Finds suppressions that do not say why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.suppress import Ignore


class IgnoreWithoutReason(Rule):
    """An ignore without `because ...`.

    Whoever reads the migration next has to know why its danger was accepted.
    """

    name = "ignore-without-reason"
    family = "suppression"
    help = """
        # notifydb: ignore[{rules}] because ...
    """
    bad = (
        Example("""
            op.drop_column("users", "logins")  # notifydb: ignore[drop-column]
            """),
    )
    good = (
        Example("""
            op.drop_column("users", "logins")  # notifydb: ignore[drop-column] because nobody reads it
            """),
    )

    def check_ignores(self, ignores: Sequence[Ignore], ctx: RevisionContext) -> Iterator[Finding]:
        for ignore in ignores:
            if ignore.mark.reason is None and ignore.mark.problem is None:
                rules = ", ".join(ignore.mark.rules)
                yield self.finding_at(
                    ctx.revision, ignore.line, f"It does not say why {rules} is accepted.", rules=rules
                )
