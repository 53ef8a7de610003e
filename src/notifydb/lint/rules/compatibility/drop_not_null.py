"""Finds columns that may hold null where the running code has never seen one."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DropNotNull(Rule):
    """DROP NOT NULL.

    Code that is still running reads the column without expecting null. The new code writes one as soon as it
    runs, while the old one still does. A team that deploys tolerant readers first selects this rule.
    """

    name = "drop-not-null"
    family = "compatibility"
    severity = Severity.INFO
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    opt_in = True
    help = """
        First deploy code that can read null, then let the column have it, and say that this was done:

        # notifydb: ignore[drop-not-null] because release ... reads null
        op.alter_column("{table}", "{column}", nullable=True)
    """
    bad = (Example('op.alter_column("organizations", "name", nullable=True)'),)
    good = (
        Example("""
            op.create_table("teams", sa.Column("name", sa.Text, nullable=False))
            op.alter_column("teams", "name", nullable=True)
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropNotNull):
            if not ctx.is_new(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"Running code reads {fact.relation}.{fact.column} and has never met null there.",
                    table=fact.relation,
                    column=fact.column,
                )
