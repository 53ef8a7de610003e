"""Finds stored generated columns that are added to a table with rows."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AddColumnGeneratedStored(Rule):
    """ADD COLUMN ... GENERATED ALWAYS AS (...) STORED.

    The value is computed for every row: the table and all of its indexes are written anew under ACCESS
    EXCLUSIVE. A VIRTUAL column (Postgres 18) is computed when it is read and needs no rewrite.
    """

    name = "add-column-generated-stored"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Make it VIRTUAL (Postgres 18), or add a plain column that a trigger keeps, and fill it in batches
        outside of the transaction:

        op.add_column("{table}", sa.Column("{column}", ...))
    """
    bad = (
        Example(
            'op.execute("ALTER TABLE users ADD COLUMN twice integer GENERATED ALWAYS AS (logins * 2) STORED")'
        ),
    )
    good = (Example('op.add_column("users", sa.Column("twice", sa.Integer))'),)

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AddColumn):
            if fact.generated == "stored" and ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"{fact.relation} and its indexes are written anew to store {fact.column} in"
                    " each row; every read and write of it waits.",
                    table=fact.relation,
                    column=fact.column,
                )
