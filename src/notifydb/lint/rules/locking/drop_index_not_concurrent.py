"""Finds indexes that are dropped while readers wait."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DropIndexNotConcurrent(Rule):
    """DROP INDEX without CONCURRENTLY.

    It takes ACCESS EXCLUSIVE on the index's table. The drop itself is quick, but it waits for the longest
    running query on the table, and everything that comes after waits behind it. DROP INDEX CONCURRENTLY only
    waits (Postgres docs, DROP INDEX).
    """

    name = "drop-index-not-concurrent"
    family = "locking"
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        with op.get_context().autocommit_block():
            op.drop_index("{index}", "{table}", postgresql_concurrently=True, if_exists=True)
    """
    fix = Fix(
        "drop it CONCURRENTLY in an autocommit block, in a migration of its own",
        safety="safe",
        rewrite=Rewrite.CONCURRENTLY,
    )
    bad = (Example('op.drop_index("ix_users_email", "users")'),)
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.drop_index("ix_users_email", "users", postgresql_concurrently=True, if_exists=True)
            """),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.create_index("ix_teams_name", "teams", ["name"])
            op.drop_index("ix_teams_name", "teams")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropIndex):
            table = ctx.table_of_index(fact.index, statement)
            if fact.concurrently or (table is not None and not ctx.is_busy(table, statement)):
                continue
            yield self.finding(
                statement,
                f"To drop {fact.index}, every read and write of {table or 'its table'} has to wait: first for"
                " the queries that are running, then for this transaction.",
                index=fact.index,
                table=table or "...",
            )
