"""Finds partitions that are read through while nobody can use them."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AttachPartitionScan(Rule):
    """ATTACH PARTITION of a table that nothing has proved to fit.

    Every row of the new partition is checked against the bounds, under ACCESS EXCLUSIVE on it. A validated
    CHECK that implies the bounds spares the reading (Postgres docs, ALTER TABLE, ATTACH PARTITION).
    """

    name = "attach-partition-scan"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Prove the bounds first, in migrations of their own:

        op.execute("ALTER TABLE {partition} ADD CONSTRAINT fits CHECK (...) NOT VALID")

        op.execute("ALTER TABLE {partition} VALIDATE CONSTRAINT fits")

        op.execute("ALTER TABLE {table} ATTACH PARTITION {partition} ...")
    """
    bad = (
        Example(
            'op.execute("ALTER TABLE events ATTACH PARTITION old_events FOR VALUES FROM (1) TO (1000000)")',
            before=(
                """
                op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")
                op.execute("CREATE TABLE old_events (id integer NOT NULL, note text)")
                """,
            ),
        ),
    )
    good = (
        Example(
            'op.execute("ALTER TABLE events ATTACH PARTITION old_events FOR VALUES FROM (1) TO (1000000)")',
            before=(
                """
                op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")
                op.execute(
                    "CREATE TABLE old_events (id integer NOT NULL, note text,"
                    " CONSTRAINT fits CHECK (id >= 1 AND id < 1000000))"
                )
                """,
            ),
            trace_only=True,
        ),
        Example(
            """
            op.execute("CREATE TABLE new_events (id integer NOT NULL, note text)")
            op.execute("ALTER TABLE events ATTACH PARTITION new_events FOR VALUES FROM (1) TO (1000000)")
            """,
            before=(
                'op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")',
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AttachPartition):
            if ctx.is_busy(fact.partition, statement):
                yield self.finding(
                    statement,
                    f"While all rows of {fact.partition} are checked against the bounds, every read and write"
                    " of it waits.",
                    table=fact.relation,
                    partition=fact.partition,
                )
