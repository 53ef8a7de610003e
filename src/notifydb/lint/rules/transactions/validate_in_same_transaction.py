"""Finds validations that read a table while its lock is still held."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class ValidateInSameTransaction(Rule):
    """VALIDATE CONSTRAINT in a transaction that already holds a stronger lock on the table.

    Alone it lets reads and writes go on. But ADD CONSTRAINT ... NOT VALID took a lock that is kept until the
    commit, so that the reading which NOT VALID was to spare happens under it after all.
    """

    name = "validate-in-same-transaction"
    family = "transactions"
    claim = Claim.SCAN
    lock = LockMode.SHARE_ROW_EXCLUSIVE
    help = """
        Validate in the next migration, which has a transaction of its own:

        op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    """
    bad = (
        Example("""
            op.execute("ALTER TABLE users ADD CONSTRAINT ck_users_logins CHECK (logins >= 0) NOT VALID")
            op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_logins")
            """),
    )
    good = (
        Example("""
            with op.get_context().autocommit_block():
                op.execute("ALTER TABLE users DROP CONSTRAINT IF EXISTS ck_users_logins")
                op.execute("ALTER TABLE users ADD CONSTRAINT ck_users_logins CHECK (logins >= 0) NOT VALID")
                op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_logins")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.ValidateConstraint):
            held = [
                lock.mode
                for _, lock in ctx.held(statement, LockMode.SHARE)
                if lock.relation.key == fact.relation.key
            ]
            if held and ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"While all rows of {fact.relation} are checked, {max(held).waits}: the transaction still"
                    f" holds {max(held)} from before.",
                    table=fact.relation,
                    name=fact.name,
                )
