"""Finds new columns whose default has to be written into every row."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AddColumnVolatileDefault(Rule):
    """ADD COLUMN with a default that is another for every row.

    A constant, or a stable function such as now(), is kept once in the catalog (since Postgres 11). A
    volatile one, such as gen_random_uuid() or clock_timestamp(), is computed for each row: the table and all
    of its indexes are written anew under ACCESS EXCLUSIVE (Postgres docs, ALTER TABLE, "Notes").
    """

    name = "add-column-volatile-default"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Add the column bare, give new rows the default, and fill the old rows in batches outside of the
        transaction:

        op.add_column("{table}", sa.Column("{column}", ...))
        op.alter_column("{table}", "{column}", server_default=sa.text("{function}()"))
    """
    bad = (Example('op.execute("ALTER TABLE users ADD COLUMN token uuid DEFAULT gen_random_uuid()")'),)
    good = (
        Example("""
            op.add_column("users", sa.Column("token", sa.Uuid))
            op.alter_column("users", "token", server_default=sa.text("gen_random_uuid()"))
            """),
        Example("""
            op.add_column("users", sa.Column("seen_at", sa.DateTime, server_default=sa.func.now()))
            op.add_column("users", sa.Column("day", sa.Date, server_default=sa.text("CURRENT_DATE")))
            op.add_column("users", sa.Column("size", sa.Integer, server_default=sa.text("length('abc')")))
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AddColumn):
            functions = fact.default.functions if fact.default else ()
            if ctx.is_volatile(functions) and ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"{fact.relation} and its indexes are written anew to give each row its own"
                    f" {fact.column}; every read and write of it waits.",
                    table=fact.relation,
                    column=fact.column,
                    function=functions[0],
                )
