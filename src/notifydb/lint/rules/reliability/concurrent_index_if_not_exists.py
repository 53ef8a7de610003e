"""Finds IF NOT EXISTS where it hides a broken index."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class ConcurrentIndexIfNotExists(Rule):
    """CREATE INDEX CONCURRENTLY IF NOT EXISTS.

    A build that fails, for example at a lock timeout, leaves an invalid index behind that costs writes and
    answers no query. The next attempt finds the name taken, skips, and the migration counts as done: a
    unique index that does not hold, exit code 0 (seen with a real migration). Without IF NOT EXISTS the
    second attempt fails instead.
    """

    name = "concurrent-index-if-not-exists"
    family = "reliability"
    help = """
        Clear away what a failed attempt left behind, then build:

        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS {index}")
            op.execute("CREATE INDEX CONCURRENTLY {index} ON {table} ...")
    """
    fix = Fix("drop what a failed attempt left behind first", safety="safe", rewrite=Rewrite.CONCURRENTLY)
    bad = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_users_name ON users (name)")
            """),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
                op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_users_name ON users (name)")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.CreateIndex):
            if fact.concurrently and fact.if_not_exists and not _is_cleared(fact.index, statement, ctx):
                yield self.finding(
                    statement,
                    f"If a first attempt fails, the second one finds the invalid {fact.index}, skips, and the"
                    " migration counts as done without a working index.",
                    index=fact.index,
                    table=fact.relation,
                )


def _is_cleared(index: str | None, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether the migration drops the index first."""
    dropped = ctx.facts_before(statement, facts.DropIndex)
    return any(fact.index.name == index for fact in dropped)
