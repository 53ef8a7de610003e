"""Finds commands that Postgres runs only outside of a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class RefusedInTransaction(Rule):
    """VACUUM, DETACH PARTITION CONCURRENTLY, ALTER SYSTEM, CREATE DATABASE and their like in a transaction.

    Postgres refuses them there (SQLSTATE 25001), and Alembic runs every migration in a transaction. An
    autocommit block leaves it for the time of the block. CREATE INDEX, DROP INDEX and REINDEX CONCURRENTLY
    are concurrent-index-in-transaction's.
    """

    name = "refused-in-transaction"
    family = "transactions"
    claim = Claim.FAILURE
    help = """
        with op.get_context().autocommit_block():
            {sql}
    """
    bad = (
        Example('op.execute("VACUUM ANALYZE users")'),
        Example(
            'op.execute("ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY")',
            before=(
                """
                op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")
                op.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (1000000)")
                """,
            ),
        ),
    )
    good = (
        Example("""
            op.execute("ANALYZE users")
            with op.get_context().autocommit_block():
                op.execute("VACUUM users")
            """),
    )

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        if not statement.in_transaction:
            return
        commands = [fact.command for fact in statement.each(facts.OutsideOnly)]
        commands += [
            "DETACH PARTITION CONCURRENTLY"
            for fact in statement.each(facts.DetachPartition)
            if fact.concurrently
        ]
        for command in commands:
            yield self.finding(
                statement,
                f"{command} cannot run inside of a transaction: Postgres refuses it.",
                sql=f'op.execute("{statement.sql}")',
            )
