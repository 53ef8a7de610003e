"""Finds data that is moved while a table is locked for its change."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class BackfillInDdlTransaction(Rule):
    """UPDATE or DELETE in a transaction that has already changed a table.

    The lock of the ALTER TABLE, which alone would last a moment, is kept until the rows are done and
    committed.
    """

    name = "backfill-in-ddl-transaction"
    family = "transactions"
    claim = Claim.SCAN
    lock = LockMode.SHARE
    help = """
        Change the table in one migration and the rows in the next, in batches:

        with op.get_context().autocommit_block():
            while op.get_bind().execute(sa.text("{command} ... LIMIT 1000 ...")).rowcount:
                pass
    """
    bad = (
        Example("""
            op.add_column("users", sa.Column("active", sa.Boolean))
            op.execute("UPDATE users SET active = true WHERE logins > 990")
            """),
    )
    good = (
        Example('op.execute("UPDATE users SET logins = 1 WHERE logins > 990")'),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.execute("UPDATE users SET logins = 1 WHERE logins > 990")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.ChangeRows):
            if fact.command == "insert" or not ctx.is_busy(fact.relation, statement):
                continue
            held = {lock.relation: lock.mode for _, lock in ctx.held(statement, LockMode.SHARE)}
            if held:
                table, mode = max(held.items(), key=lambda item: item[1])
                yield self.finding(
                    statement,
                    f"Until the rows of {fact.relation} are done,"
                    f" {mode.waits.replace('the table', str(table))}: the transaction holds {mode} on it.",
                    command=fact.command.upper(),
                )
