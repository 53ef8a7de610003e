"""Finds varchar with a length."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement


class PreferText(Rule):
    """varchar(n) where text could be.

    Both are stored in the same way and are as fast (Postgres docs section 8.3). The length is a guess that
    production refutes one day with an error. Where a limit is meant, a CHECK says it, and can be changed
    under weaker locks. The rule runs only where it is selected.
    """

    name = "prefer-text"
    family = "types"
    severity = Severity.INFO
    opt_in = True
    help = """
        sa.Column("{column}", sa.Text, ...)
    """
    bad = (Example('op.add_column("users", sa.Column("nickname", sa.String(50)))'),)
    good = (Example('op.add_column("users", sa.Column("nickname", sa.Text))'),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for column in statement.new_columns:
            if column.type.name == "varchar" and column.type.modifiers:
                yield self.finding(
                    statement,
                    f"{column.relation}.{column.column} refuses what is longer than"
                    f" {column.type.modifiers[0]}.",
                    column=column.column,
                )
