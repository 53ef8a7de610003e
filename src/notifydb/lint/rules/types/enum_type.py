"""Finds new enum types."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class EnumType(Rule):
    """CREATE TYPE ... AS ENUM.

    Values can be added, but never taken away, and a new value cannot be used in the transaction that adds it.
    A lookup table with a foreign key, or text with a CHECK, changes like other data. A matter of taste: the
    rule runs only where it is selected.
    """

    name = "enum-type"
    family = "types"
    severity = Severity.INFO
    opt_in = True
    help = """
        op.create_table("{name}", sa.Column("name", sa.Text, primary_key=True))
    """
    bad = (Example("op.execute(\"CREATE TYPE colour AS ENUM ('red', 'green')\")"),)
    good = (Example('op.create_table("colours", sa.Column("name", sa.Text, primary_key=True))'),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.CreateObject):
            if fact.labels:
                yield self.finding(
                    statement, f"The values of {fact.name} can never be taken away again.", name=fact.name
                )
