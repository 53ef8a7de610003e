"""Finds commands whose purpose is to write a table anew."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class RewritingCommand(Rule):
    """CLUSTER, VACUUM FULL, SET LOGGED or UNLOGGED, SET TABLESPACE, SET ACCESS METHOD, REFRESH MATERIALIZED
    VIEW.

    Each copies the whole table under ACCESS EXCLUSIVE. REFRESH MATERIALIZED VIEW CONCURRENTLY does not; for
    tables there are tools that copy beside the running system.
    """

    name = "rewriting-command"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Not in a migration: use pg_repack, which copies beside the running system, or a maintenance window.
    """
    refresh_help = """
        With a unique index on the view:

        op.execute("REFRESH MATERIALIZED VIEW CONCURRENTLY {table}")
    """
    bad = (
        Example('op.execute("ALTER TABLE users SET UNLOGGED")'),
        Example('op.execute("CLUSTER users USING users_pkey")'),
    )
    good = (
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))
            op.execute("ALTER TABLE teams SET UNLOGGED")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.RewriteTable):
            if ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"{fact.command} copies all of {fact.relation}; every read and write of it waits.",
                    instead=self.refresh_help if fact.command.startswith("REFRESH") else None,
                    table=fact.relation,
                )
