"""Finds, by running it, whatever writes a table anew."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.lint.trace import Trace
from notifydb.sql.locks import LockMode


class RewriteUnderLock(Rule):
    """A statement that was seen to write a whole table anew.

    No text shows it: a DO block, a function, a type change that is not binary compatible. On the shadow
    database the table's storage has another number afterwards (`pg_class.relfilenode`).
    """

    name = "rewrite-under-lock"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Add a new column or table beside the old one, fill it in batches, and switch over in a later
        migration.
    """
    bad = (
        Example(
            """
            op.execute("DO $$ BEGIN ALTER TABLE users ALTER COLUMN logins TYPE bigint; END $$")
            """,
            trace_only=True,
        ),
    )
    good = (
        Example("""
            op.execute("DO $$ BEGIN ALTER TABLE users ALTER COLUMN name TYPE varchar(200); END $$")
            """),
    )

    def check_trace(self, statement: Statement, trace: Trace, ctx: RevisionContext) -> Iterator[Finding]:
        for table in trace.rewritten:
            if (trace.rows_of(table) or 0) >= ctx.options.notable_rows and not ctx.is_small(table):
                yield self.finding(
                    statement,
                    f"It writes {table} and its indexes anew; every read and write of it waits.",
                )
