"""Finds SQL that Postgres cannot read."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement


class SqlSyntaxError(Rule):
    """A statement that the grammar of PostgreSQL 18 does not accept.

    Without a parse no other rule can judge it. Where the shadow database runs it all the same, nothing is
    said.
    """

    name = "sql-syntax-error"
    family = "reliability"
    claim = Claim.FAILURE
    help = """
        Mend the statement.
    """
    bad = (Example('op.execute("ALTER TABLE users ADD COLUM nickname text")'),)
    good = (Example('op.execute("ALTER TABLE users ADD COLUMN nickname text")'),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        problem = statement.parsed.problem
        if problem is not None:
            # A message quotes what it stops at, which may be a literal of any length.
            yield self.finding(statement, f"Postgres cannot read it: {problem.message:.200}.")
