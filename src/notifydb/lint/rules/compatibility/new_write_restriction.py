"""Finds demands on rows that the running code does not know of."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation


class NewWriteRestriction(Rule):
    """A new CHECK, FOREIGN KEY, UNIQUE, EXCLUDE or NOT NULL on a table that was there before.

    Each takes effect for new rows at once, NOT VALID or not, and writes of the running code that violate it
    fail. Whether there are such writes, only the team knows: the rule runs only where it is selected.
    """

    name = "new-write-restriction"
    family = "compatibility"
    severity = Severity.INFO
    opt_in = True
    help = """
        First deploy code whose writes satisfy it, then add it, and say that this was done:

        # notifydb: ignore[new-write-restriction] because release ... writes no other rows
    """
    bad = (Example('op.execute("ALTER TABLE users ADD CONSTRAINT positive CHECK (logins >= 0) NOT VALID")'),)
    good = (
        Example(
            """
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.create_check_constraint("named", "teams", "name <> ''")
            op.execute("ALTER TABLE users VALIDATE CONSTRAINT positive")
            """,
            before=(
                BASELINE,
                'op.execute("ALTER TABLE users ADD CONSTRAINT positive CHECK (logins >= 0) NOT VALID")',
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for table, demand in _demands(statement):
            if not ctx.is_new(table, statement):
                yield self.finding(
                    statement, f"Writes of the running code to {table} that violate the new {demand} fail."
                )


def _demands(statement: Statement) -> Iterator[tuple[Relation, str]]:
    for fact in statement.facts:
        match fact:
            case facts.AddConstraint(enforced=True, using_index=None):
                yield fact.relation, fact.kind.upper()
            case facts.SetNotNull():
                yield fact.relation, f"NOT NULL of {fact.column}"
            case facts.CreateIndex(unique=True):
                yield fact.relation, "unique index"
            case _:
                pass
