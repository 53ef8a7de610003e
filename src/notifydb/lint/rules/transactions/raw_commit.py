"""Finds transactions that are ended behind the back of Alembic."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class RawCommit(Rule):
    """COMMIT, ROLLBACK or BEGIN written as SQL.

    Alembic still believes in its transaction: what comes after commits statement by statement, a failure
    there is not rolled back, and with psycopg 3 a CREATE INDEX CONCURRENTLY after a raw COMMIT fails under
    plain Alembic.
    """

    name = "raw-commit"
    family = "transactions"
    help = """
        with op.get_context().autocommit_block():
            ...
    """
    bad = (Example('op.execute("COMMIT")'),)
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("VACUUM users")
            """),
        Example("""
            op.execute("SAVEPOINT attempt")
            op.execute("RELEASE SAVEPOINT attempt")
            """),
    )

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.Transaction):
            if fact.command != "savepoint":
                yield self.finding(
                    statement,
                    f"After this {fact.command.upper()} a failure leaves the migration half done:"
                    " Alembic does not know that its transaction is gone.",
                )
