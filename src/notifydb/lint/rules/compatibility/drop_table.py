"""Finds tables that the running code may still use."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DropTable(Rule):
    """DROP TABLE.

    While the new version is deployed, the old one is still running, and its queries fail. The drop takes
    ACCESS EXCLUSIVE on the table and on every table that it refers to (measured on PostgreSQL 15 and 18).
    CASCADE drops the views that read it and the foreign keys that refer to it; the catalog names them.
    """

    name = "drop-table"
    family = "compatibility"
    severity = Severity.WARNING
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        First deploy code that does not use the table any more, then drop it, and say that this was done:

        # notifydb: ignore[drop-table] because the code stopped using it in release ...
        op.drop_table("{table}")
    """
    bad = (Example('op.drop_table("users")'),)
    good = (
        Example("""
            op.create_table("scratch", sa.Column("id", sa.Integer))
            op.drop_table("scratch")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropTable):
            if not ctx.is_new(fact.relation, statement):
                along = objects.taken_along(fact.relation, ctx) if fact.cascade else ""
                yield self.finding(
                    statement,
                    f"Running code that still uses {fact.relation} fails, and its data is gone.{along}",
                    table=fact.relation,
                )
