"""Finds waits for a lock that nothing ends."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import Lock, LockMode, locks_of


class LockTimeoutNotSet(Rule):
    """A strong lock that is waited for without a lock_timeout.

    While the statement waits behind one long query, everything else that wants the table waits behind the
    statement. A timeout ends the wait, and the migration can be tried again. Where whatever runs the
    migrations sets one, `lint.lock_timeout` says so. Told once for each transaction.
    """

    name = "lock-timeout-not-set"
    family = "reliability"
    severity = Severity.WARNING
    opt_in = True
    claim = Claim.LOCK
    lock = LockMode.SHARE_ROW_EXCLUSIVE
    help = """
        op.execute("SET LOCAL lock_timeout = '2s'")
    """
    bad = (Example('op.add_column("users", sa.Column("nickname", sa.Text))'),)
    good = (
        Example("""
            op.execute("SET LOCAL lock_timeout = '2s'")
            op.add_column("users", sa.Column("nickname", sa.Text))
            """),
        Example('op.add_column("users", sa.Column("nickname", sa.Text))', options={"lock_timeout": "2s"}),
        Example('op.create_table("teams", sa.Column("id", sa.Integer))'),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        if ctx.options.lock_timeout is not None or _is_limited(statement, ctx):
            return
        locks = _strong(statement, ctx)
        if locks and not any(_strong(each, ctx) for each in ctx.earlier(statement)):
            lock = max(locks, key=lambda lock: lock.mode)
            yield self.finding(
                statement,
                f"While it waits for {lock.mode} on {lock.relation}, every query that comes after it waits too,"
                " and no lock_timeout ends that.",
            )


def _strong(statement: Statement, ctx: RevisionContext) -> list[Lock]:
    made = {fact.relation for fact in statement.each(facts.CreateTable)}
    locks = [lock for fact in statement.facts for lock in locks_of(fact) if lock.relation not in made]
    return [
        lock
        for lock in locks
        if lock.mode >= LockMode.SHARE_ROW_EXCLUSIVE and ctx.is_busy(lock.relation, statement)
    ]


def _is_limited(statement: Statement, ctx: RevisionContext) -> bool:
    """The trace knows the setting; otherwise what the migration itself has set."""
    if statement.trace is not None:
        return statement.trace.lock_timeout != "0"
    transaction = {each.index for each in ctx.earlier(statement)}
    found = [
        fact.value
        for each in ctx.before(statement)
        for fact in each.each(facts.SetVariable)
        if fact.name == "lock_timeout" and (not fact.local or each.index in transaction)
    ]
    return bool(found) and found[-1] not in ("0", "default")
