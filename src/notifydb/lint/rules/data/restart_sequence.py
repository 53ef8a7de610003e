"""Finds sequences that are set to a fixed number."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class RestartSequence(Rule):
    """ALTER SEQUENCE ... RESTART, ALTER COLUMN ... RESTART, or `setval` with a constant.

    In production the sequence stands elsewhere than in development. Set below the largest number, it gives
    numbers again that rows have already, and inserts fail on a duplicate key; RESTART also waits for nobody's
    open transaction.
    """

    name = "restart-sequence"
    family = "data"
    severity = Severity.WARNING
    help = """
        Ask the table:

        op.execute(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table}"
        )

        If the number is right everywhere, say why:

        # notifydb: ignore[restart-sequence] because ...
    """
    bad = (Example('op.execute("ALTER SEQUENCE users_id_seq RESTART WITH 1000")'),)
    good = (
        Example("""
            op.execute("SELECT setval(pg_get_serial_sequence('users', 'id'), max(id)) FROM users")
            op.create_table("kinds", sa.Column("id", sa.Integer, primary_key=True))
            op.execute("SELECT setval('kinds_id_seq', 100)")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.SetSequence):
            if fact.value is None or _is_new(fact, statement, ctx):
                continue
            name = fact.sequence or (
                f"the sequence of {fact.relation}.{fact.column}" if fact.relation else "it"
            )
            yield self.finding(
                statement,
                f"If a row of production has a number from {fact.value:,} on, {name} will give it again, and"
                " that insert fails.",
                table=fact.relation or "...",
                column=fact.column or "id",
            )


def _is_new(fact: facts.SetSequence, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether the sequence, or the table that it is named after, was made by this revision."""
    if fact.relation is not None:
        return ctx.is_new(fact.relation, statement)
    if fact.sequence is None:
        return False
    name = fact.sequence
    return objects.is_new("sequence", name, statement, ctx) or any(
        name.name.startswith(f"{made.relation.name}_") and made.relation.key[0] == name.key[0]
        for each in ctx.before(statement)
        for made in each.each(facts.CreateTable)
    )
