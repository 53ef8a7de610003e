"""Finds required columns that the rows which are there cannot have."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class AddColumnNotNullWithoutDefault(Rule):
    """ADD COLUMN NOT NULL without a default.

    It works on an empty table and fails on one with rows, so it passes in development and fails in
    production. Code that is still running does not know the column either, and its inserts would fail.
    """

    name = "add-column-not-null-without-default"
    family = "data"
    claim = Claim.FAILURE
    help = """
        Give it a constant default (no rewrite since Postgres 11), or add it nullable and demand it later:

        op.add_column("{table}", sa.Column("{column}", ..., nullable=False, server_default=...))
    """
    bad = (Example('op.add_column("users", sa.Column("active", sa.Boolean, nullable=False))'),)
    good = (
        Example("""
            op.add_column("users", sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()))
            op.add_column("users", sa.Column("nickname", sa.Text))
            """),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))
            op.add_column("teams", sa.Column("name", sa.Text, nullable=False))
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AddColumn):
            if fact.not_null and not fact.has_value and not ctx.is_new(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"It fails as soon as {fact.relation} has a row: {fact.column} would be null there.",
                    table=fact.relation,
                    column=fact.column,
                )
