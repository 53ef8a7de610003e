"""Finds indexes that are rebuilt while writers wait."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class ReindexNotConcurrent(Rule):
    """REINDEX without CONCURRENTLY.

    It takes SHARE on the table and ACCESS EXCLUSIVE on each index while it reads the whole table: writers
    wait, and so do readers whose query would use the index. REINDEX CONCURRENTLY (Postgres 12) does neither,
    and has to run outside of a transaction.
    """

    name = "reindex-not-concurrent"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.SHARE
    help = """
        with op.get_context().autocommit_block():
            op.execute("{command}")
    """
    fix = Fix(
        "rebuild CONCURRENTLY in an autocommit block, in a migration of its own",
        safety="safe",
        rewrite=Rewrite.CONCURRENTLY,
    )
    bad = (
        Example('op.execute("REINDEX TABLE users")'),
        Example('op.execute("REINDEX INDEX ix_users_email")'),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("REINDEX TABLE CONCURRENTLY users")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.Reindex):
            table = fact.relation
            if fact.kind == "index" and table is not None:
                table = ctx.table_of_index(table, statement)
            if fact.concurrently or (table is not None and not ctx.is_busy(table, statement)):
                continue
            yield self.finding(
                statement,
                f"While {fact.relation or 'each table'} is reindexed, every insert, update and delete on"
                f" {table or 'the table'} waits, and every query that would use the index.",
                command=_HEAD.sub(r"\g<0> CONCURRENTLY", statement.sql, count=1),
            )


_HEAD = re.compile(r"REINDEX\s+(\([^)]*\)\s*)?\w+", re.IGNORECASE)
