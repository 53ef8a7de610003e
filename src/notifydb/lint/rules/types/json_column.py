"""Finds json columns on tables that running queries read."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class JsonColumn(Rule):
    """ADD COLUMN of the type json on a table that was there before.

    json has no equality operator: SELECT DISTINCT, UNION and GROUP BY over the table's columns fail from then
    on with "could not identify an equality operator for type json" (measured on PostgreSQL 15 and 18).
    SQLAlchemy names every mapped column in each of them. jsonb has one, and keeps the values ready to be
    indexed.
    """

    name = "json-column"
    family = "types"
    severity = Severity.WARNING
    help = """
        from sqlalchemy.dialects.postgresql import JSONB

        op.add_column("{table}", sa.Column("{column}", JSONB))
    """
    bad = (Example('op.add_column("users", sa.Column("settings", sa.JSON))'),)
    good = (
        Example("""
            op.execute("ALTER TABLE users ADD COLUMN settings jsonb")
            op.create_table("events", sa.Column("id", sa.Integer), sa.Column("body", sa.JSON))
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.facts:
            if not isinstance(fact, facts.AddColumn | facts.AlterColumnType) or fact.type.name != "json":
                continue
            if not ctx.is_new(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"SELECT DISTINCT, UNION and GROUP BY with {fact.relation}.{fact.column} fail: json has no"
                    " equality.",
                    table=fact.relation,
                    column=fact.column,
                )
