"""Finds deletes that change rows of tables which they do not name."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.lint.trace import Trace
from notifydb.sql import facts


class DeleteCascades(Rule):
    """DELETE whose foreign keys carry it on: ON DELETE CASCADE, SET NULL or SET DEFAULT.

    The statement names one table, and rows of others go, or lose what they refer to. The trace counts them,
    so this rule needs a shadow database.
    """

    name = "delete-cascades"
    family = "data"
    severity = Severity.WARNING
    help = """
        Delete or move the rows of {tables} first, with statements that say which. If they are meant to
        go along, say so:

        # notifydb: ignore[delete-cascades] because ...
    """
    bad = (
        Example(
            'op.execute("DELETE FROM organizations WHERE id = 7")',
            before=(
                BASELINE,
                """
                op.execute(
                    "ALTER TABLE users ADD FOREIGN KEY (organization_id)"
                    " REFERENCES organizations ON DELETE CASCADE"
                )
                """,
            ),
            trace_only=True,
        ),
    )
    good = (Example('op.execute("DELETE FROM users WHERE id = 7")'),)

    def check_trace(self, statement: Statement, trace: Trace, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.ChangeRows):
            if fact.command != "delete" or ctx.catalog is None:
                continue
            reached = {table.key for table in ctx.catalog.reached_by_delete(fact.relation)}
            counted = {table: rows for table, rows in (trace.changed or {}).items() if table.key in reached}
            if counted:
                told = " and ".join(f"{rows:,} of {table}" for table, rows in counted.items())
                yield self.finding(
                    statement,
                    f"Foreign keys carry it on: it also changes rows that it does not name ({told} here).",
                    tables=", ".join(map(str, counted)),
                )
