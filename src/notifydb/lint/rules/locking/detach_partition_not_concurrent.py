"""Finds partitions that are taken off while readers wait."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DetachPartitionNotConcurrent(Rule):
    """DETACH PARTITION without CONCURRENTLY.

    It takes ACCESS EXCLUSIVE on the partitioned table and on the partition. The detaching itself is quick, but
    it waits for the longest running query on any of the partitions, and everything that comes after waits
    behind it. CONCURRENTLY (Postgres 14) lets reads and writes go on; it has to run outside of a transaction,
    and is refused where there is a DEFAULT partition (Postgres docs, ALTER TABLE, DETACH PARTITION).
    """

    name = "detach-partition-not-concurrent"
    family = "locking"
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        with op.get_context().autocommit_block():
            op.execute("ALTER TABLE {table} DETACH PARTITION {partition} CONCURRENTLY")
    """
    bad = (
        Example(
            'op.execute("ALTER TABLE events DETACH PARTITION events_1")',
            before=(
                """
                op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")
                op.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (1000000)")
                """,
            ),
        ),
    )
    good = (
        Example(
            """
            with op.get_context().autocommit_block():
                op.execute("ALTER TABLE events DETACH PARTITION events_1 CONCURRENTLY")
            """,
            before=(
                """
                op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")
                op.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (1000000)")
                """,
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        if ctx.version is not None and ctx.version < _CONCURRENTLY:
            return
        for fact in statement.each(facts.DetachPartition):
            if not fact.concurrently and ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"To detach {fact.partition}, every read and write of {fact.relation} has to wait: first for"
                    " the queries that are running, then for this transaction.",
                    table=fact.relation,
                    partition=fact.partition,
                )


_CONCURRENTLY = 14
