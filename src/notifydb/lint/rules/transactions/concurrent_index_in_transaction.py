"""Finds CONCURRENTLY where it cannot work."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class ConcurrentIndexInTransaction(Rule):
    """CREATE INDEX, DROP INDEX or REINDEX CONCURRENTLY inside of a transaction.

    Postgres refuses it (SQLSTATE 25001), and Alembic runs every migration in a transaction. An autocommit
    block leaves it for the time of the block.
    """

    name = "concurrent-index-in-transaction"
    family = "transactions"
    claim = Claim.FAILURE
    help = """
        with op.get_context().autocommit_block():
            {sql}
    """
    fix = Fix(
        "put it into an autocommit block, in a migration of its own",
        safety="safe",
        rewrite=Rewrite.CONCURRENTLY,
    )
    bad = (
        Example("""
            op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
            """),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
            """),
    )

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        if not statement.in_transaction:
            return
        for fact in statement.facts:
            if isinstance(fact, _CONCURRENT) and fact.concurrently:
                yield self.finding(
                    statement,
                    "CONCURRENTLY cannot run inside of a transaction: Postgres refuses it.",
                    sql=f'op.execute("{statement.sql}")',
                )


_CONCURRENT = (facts.CreateIndex, facts.DropIndex, facts.Reindex)
