"""Finds points in time without a time zone."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement


class PreferTimestamptz(Rule):
    """timestamp where timestamptz could be.

    timestamp holds what a clock on some wall said: which point in time that is, depends on the reader, and
    twice a year it is two or none. timestamptz holds the point in time, in the same 8 bytes (Postgres docs
    section 8.5; PostgreSQL wiki, "Don't Do This"). Teams that keep UTC by convention do without the rule, so
    it runs only where it is selected.
    """

    name = "prefer-timestamptz"
    family = "types"
    severity = Severity.INFO
    opt_in = True
    help = """
        sa.Column("{column}", sa.DateTime(timezone=True), ...)
    """
    bad = (Example('op.add_column("users", sa.Column("seen_at", sa.DateTime))'),)
    good = (Example('op.add_column("users", sa.Column("seen_at", sa.DateTime(timezone=True)))'),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for column in statement.new_columns:
            if column.type.name == "timestamp":
                yield self.finding(
                    statement,
                    f"{column.relation}.{column.column} does not say in which time zone it is.",
                    column=column.column,
                )
