"""Finds CHECK constraints that check all rows while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AddCheckValidated(Rule):
    """A CHECK constraint that is added valid.

    ADD CHECK takes ACCESS EXCLUSIVE and reads the whole table before it lets go: nobody can read or write it
    meanwhile. NOT VALID skips the reading, and new rows are checked all the same; VALIDATE CONSTRAINT then
    checks the old ones under SHARE UPDATE EXCLUSIVE, in a transaction of its own (Postgres docs, ALTER
    TABLE).
    """

    name = "add-check-validated"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        In this migration:

        op.execute("ALTER TABLE {table} ADD CONSTRAINT {name} CHECK (...) NOT VALID")

        and in the next one, because the lock is kept to the end of the transaction:

        op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
    """
    fix = Fix(
        "add it NOT VALID, and validate it in a migration of its own",
        safety="safe",
        rewrite=Rewrite.VALIDATED_LATER,
    )
    bad = (Example('op.create_check_constraint("ck_users_logins", "users", "logins >= 0")'),)
    good = (
        Example(
            'op.execute("ALTER TABLE users ADD CONSTRAINT ck_users_logins CHECK (logins >= 0) NOT VALID")'
        ),
        Example(
            'op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_logins")',
            before=(
                BASELINE,
                'op.execute("ALTER TABLE users ADD CONSTRAINT ck_users_logins CHECK (true) NOT VALID")',
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AddConstraint):
            if fact.kind is not facts.ConstraintKind.CHECK or fact.not_valid or not fact.enforced:
                continue
            if ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"While all rows of {fact.relation} are checked, every read and write of it waits.",
                    table=fact.relation,
                    name=fact.name or "ck_...",
                )
