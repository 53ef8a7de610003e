"""Finds indexes that are built while writers wait."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class CreateIndexNotConcurrent(Rule):
    """CREATE INDEX without CONCURRENTLY on a table that is in use.

    The build reads the whole table under a SHARE lock: reads go on, but every INSERT, UPDATE and DELETE
    waits until it is done, and then until the transaction ends. CONCURRENTLY takes SHARE UPDATE EXCLUSIVE
    instead and lets writers through; it has to run outside of a transaction (Postgres docs, CREATE INDEX,
    "Building Indexes Concurrently"). Where the transaction already holds ACCESS EXCLUSIVE, because it has
    changed the table before, readers wait for the build, too. A partitioned table has no CONCURRENTLY: index
    each partition, then attach.
    """

    name = "create-index-not-concurrent"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.SHARE
    help = """
        Build it outside of the transaction, and clear away what a failed attempt left behind:

        with op.get_context().autocommit_block():
            op.execute("DROP INDEX CONCURRENTLY IF EXISTS {index}")
            op.create_index("{index}", "{table}", [{columns}], postgresql_concurrently=True)
    """
    fix = Fix(
        "build it CONCURRENTLY in an autocommit block, in a migration of its own",
        safety="safe",
        rewrite=Rewrite.CONCURRENTLY,
    )
    partitioned_help = """
        An index on the parent alone, one CONCURRENTLY on each partition, and each attached; with the last one
        the parent's index becomes valid:

        op.execute("CREATE INDEX {index} ON ONLY {table} (...)")
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY {index}_1 ON <partition> (...)")
        op.execute("ALTER INDEX {index} ATTACH PARTITION {index}_1")
    """
    bad = (
        Example('op.create_index("ix_users_name", "users", ["name"])'),
        Example("""
            op.add_column("users", sa.Column("nickname", sa.Text))
            op.execute("CREATE UNIQUE INDEX ix_users_nickname ON users (nickname)")
            """),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_users_name")
                op.create_index("ix_users_name", "users", ["name"], postgresql_concurrently=True)
            """),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.create_index("ix_teams_name", "teams", ["name"])
            """),
        Example(
            """
            op.execute("CREATE INDEX IF NOT EXISTS ix_events ON ONLY events (note)")
            with op.get_context().autocommit_block():
                op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_events_1")
                op.execute("CREATE INDEX CONCURRENTLY ix_events_1 ON events_1 (note)")
            op.execute("ALTER INDEX ix_events ATTACH PARTITION ix_events_1")
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
        for fact in statement.each(facts.CreateIndex):
            if fact.concurrently or not ctx.is_busy(fact.relation, statement):
                continue
            partitioned = ctx.is_partitioned(fact.relation)
            if fact.only and (partitioned or ctx.catalog is None):
                continue
            waits = "insert, update and delete on"
            if ctx.holds(statement, fact.relation, LockMode.ACCESS_EXCLUSIVE):
                waits = "read and write of"
            found = self.finding(
                statement,
                f"While the index is built on {fact.relation}, every {waits} it waits.",
                instead=self.partitioned_help if partitioned else None,
                index=fact.index or f"ix_{fact.relation.name}",
                table=fact.relation,
                columns=", ".join(f'"{column}"' for column in fact.columns),
            )
            yield dataclasses.replace(found, fix=None) if partitioned else found
