"""Finds statements that nothing stops."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode, locks_of


class StatementTimeoutNotSet(Rule):
    """A change of a table in use without statement_timeout or transaction_timeout.

    A statement that takes longer than anybody thought keeps its locks for just as long. Told once for each
    migration.
    """

    name = "statement-timeout-not-set"
    family = "reliability"
    severity = Severity.WARNING
    opt_in = True
    help = """
        op.execute("SET LOCAL statement_timeout = '10s'")
    """
    bad = (Example('op.add_column("users", sa.Column("nickname", sa.Text))'),)
    good = (
        Example("""
            op.execute("SET LOCAL statement_timeout = '10s'")
            op.add_column("users", sa.Column("nickname", sa.Text))
            """),
        Example('op.create_table("teams", sa.Column("id", sa.Integer))'),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        if _changes(statement, ctx) and not any(_settles(each, ctx) for each in ctx.before(statement)):
            yield self.finding(
                statement, "However long it takes, nothing stops it: no statement_timeout is set."
            )


def _changes(statement: Statement, ctx: RevisionContext) -> bool:
    made = {fact.relation for fact in statement.each(facts.CreateTable)}
    locks = [lock for fact in statement.facts for lock in locks_of(fact) if lock.relation not in made]
    return any(
        lock.mode >= LockMode.ROW_EXCLUSIVE and ctx.is_busy(lock.relation, statement) for lock in locks
    )


def _settles(statement: Statement, ctx: RevisionContext) -> bool:
    """A timeout is set, or it was told already that none is."""
    timeouts = ("statement_timeout", "transaction_timeout")
    is_set = any(fact.name in timeouts for fact in statement.each(facts.SetVariable))
    return is_set or _changes(statement, ctx)
