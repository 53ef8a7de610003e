"""Finds new partitions that make everybody wait for their parent."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class CreatePartitionLocksParent(Rule):
    """CREATE TABLE ... PARTITION OF a table that is in use.

    It takes ACCESS EXCLUSIVE on the partitioned table: it waits for every running query on it, and everything
    that comes after waits behind it. Where there is a DEFAULT partition, its rows are read under that lock. A
    table of its own that is then attached takes SHARE UPDATE EXCLUSIVE on the parent only (Postgres docs, CREATE
    TABLE, PARTITION OF; measured on PostgreSQL 15, 16 and 18).
    """

    name = "create-partition-locks-parent"
    family = "locking"
    severity = Severity.WARNING
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        op.execute("CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        op.execute("ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES ...")
    """
    bad = (
        Example(
            'op.execute("CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (1) TO (2)")',
            before=(
                'op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")',
            ),
        ),
    )
    good = (
        Example(
            """
            op.execute("CREATE TABLE events_2 (LIKE events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
            op.execute("ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM (1) TO (2)")
            """,
            before=(
                'op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")',
            ),
        ),
        Example("""
            op.execute("CREATE TABLE events (id integer NOT NULL, note text) PARTITION BY RANGE (id)")
            op.execute("CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (1) TO (2)")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.CreateTable):
            if fact.partition_of is not None and ctx.is_busy(fact.partition_of, statement):
                yield self.finding(
                    statement,
                    f"To add {fact.relation}, every read and write of {fact.partition_of} has to wait: first for"
                    " the queries that are running, then for this transaction.",
                    table=fact.partition_of,
                    partition=fact.relation,
                )
