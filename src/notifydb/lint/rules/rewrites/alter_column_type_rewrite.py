"""Finds type changes that write a whole table anew."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AlterColumnTypeRewrite(Rule):
    """ALTER COLUMN ... TYPE.

    Most changes write the table and its indexes anew under ACCESS EXCLUSIVE. Some do not: a longer varchar,
    varchar to text, numeric with more digits of the same scale, cidr to inet (Postgres docs, ALTER TABLE,
    "Notes"). The text of the statement does not say what the type was; the shadow database does.
    """

    name = "alter-column-type-rewrite"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Add a new column, let the code write both, fill it in batches, then let the code read it and drop
        the old one:

        op.add_column("{table}", sa.Column("{column}_new", ...))
    """
    bad = (
        Example('op.alter_column("users", "logins", type_=sa.BigInteger)'),
        Example('op.execute("ALTER TABLE users ALTER COLUMN logins TYPE text USING logins::text")'),
    )
    good = (
        Example('op.alter_column("users", "name", type_=sa.String(200))', trace_only=True),
        Example('op.alter_column("users", "name", type_=sa.Text)', trace_only=True),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AlterColumnType):
            if ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"{fact.relation} and its indexes are written anew to make {fact.column}"
                    f" {fact.type}; every read and write of it waits.",
                    table=fact.relation,
                    column=fact.column,
                )
