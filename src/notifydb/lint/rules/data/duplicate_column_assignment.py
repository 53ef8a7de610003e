"""Finds columns that one statement sets twice."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class DuplicateColumnAssignment(Rule):
    """UPDATE or INSERT that names a column twice.

    Postgres refuses it (SQLSTATE 42601 and 42701), even where the table is empty.
    """

    name = "duplicate-column-assignment"
    family = "data"
    claim = Claim.FAILURE
    help = """
        Name {column} once.
    """
    bad = (Example("op.execute(\"UPDATE users SET name = 'a', logins = 1, name = 'b' WHERE id = 7\")"),)
    good = (Example("op.execute(\"UPDATE users SET name = 'a', logins = 1 WHERE id = 7\")"),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.ChangeRows):
            twice = sorted({name for name in fact.columns if fact.columns.count(name) > 1})
            for column in twice:
                yield self.finding(
                    statement,
                    f"It sets {column} of {fact.relation} twice: Postgres refuses that.",
                    column=column,
                )
