"""Finds indexes that are built while writers wait."""

from __future__ import annotations

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
    "Building Indexes Concurrently"). A partitioned table has no CONCURRENTLY: index each partition, then
    attach.
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
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.CreateIndex):
            if not fact.concurrently and not fact.only and ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"While the index is built on {fact.relation}, every insert, update and delete on it"
                    " waits.",
                    index=fact.index or "ix_...",
                    table=fact.relation,
                    columns=", ".join(f'"{column}"' for column in fact.columns),
                )
