"""Finds work on one table while another one is locked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.lint.trace import Trace, TracedLock
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class WorkWhileLocked(Rule):
    """A long read in a transaction that holds a lock on another table.

    A lock is kept to the end of the transaction: an ALTER TABLE or a new foreign key, which alone would make
    others wait for a moment, makes them wait until the rows of quite another table are validated or copied.
    """

    name = "work-while-locked"
    family = "transactions"
    severity = Severity.WARNING
    claim = Claim.SCAN
    lock = LockMode.SHARE
    help = """
        Do the reading in a migration of its own, before or after the one that takes the lock.
    """
    bad = (
        Example(
            """
            op.add_column("organizations", sa.Column("note", sa.Text))
            op.execute("ALTER TABLE users VALIDATE CONSTRAINT ck_users_logins")
            """,
            before=(
                BASELINE,
                'op.execute("ALTER TABLE users ADD CONSTRAINT ck_users_logins CHECK (true) NOT VALID")',
            ),
        ),
        Example(
            """
            op.add_column("organizations", sa.Column("note", sa.Text))
            op.execute("DO $$ BEGIN UPDATE users SET logins = 1 WHERE name = 'nobody'; END $$")
            """,
            trace_only=True,
        ),
    )
    good = (
        Example("""
            op.create_table("names", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.execute("INSERT INTO names SELECT id, name FROM users")
            op.add_column("organizations", sa.Column("note", sa.Text))
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.facts:
            if not (isinstance(fact, facts.ValidateConstraint) or _copies(fact, statement)):
                continue
            held = {lock.relation: lock.mode for _, lock in ctx.held(statement, LockMode.SHARE)}
            if held and not _on_itself(fact, held):
                table, mode = max(held.items(), key=lambda item: item[1])
                work = "are checked" if isinstance(fact, facts.ValidateConstraint) else "are filled in"
                yield self._finding(statement, f"While the rows of {fact.relation} {work}", table, mode)

    def check_trace(self, statement: Statement, trace: Trace, ctx: RevisionContext) -> Iterator[Finding]:
        held = [lock for lock in trace.held if _keeps_waiting(lock, ctx)]
        for table, rows in (trace.scanned or {}).items():
            is_read = rows >= ctx.options.notable_rows and not ctx.is_small(table)
            if held and is_read and (trace.lock_on(table) or 0) < LockMode.SHARE:
                lock = max(held, key=lambda each: each.mode)
                work = f"While it reads {rows:,} rows of {table}"
                yield self._finding(statement, work, lock.relation, lock.mode)

    def _finding(self, statement: Statement, work: str, table: facts.Relation, mode: LockMode) -> Finding:
        waits = mode.waits.replace("the table", str(table))
        return self.finding(statement, f"{work}, {waits}: the transaction holds {mode} on it.")


def _keeps_waiting(lock: TracedLock, ctx: RevisionContext) -> bool:
    """A materialized view is only read, so that what stops writers stops nobody."""
    is_view = ctx.catalog is not None and ctx.catalog.relations.get(lock.relation.key) == "m"
    least = LockMode.ACCESS_EXCLUSIVE if is_view else LockMode.SHARE
    return not lock.is_index and lock.mode >= least and not ctx.is_small(lock.relation)


def _copies(fact: facts.Fact, statement: Statement) -> TypeGuard[facts.ChangeRows]:
    """Whether it is INSERT ... SELECT; how much that reads, the trace knows better than its text."""
    is_copy = isinstance(fact, facts.ChangeRows) and fact.command == "insert" and not fact.bounded
    return is_copy and statement.trace is None


def _on_itself(
    fact: facts.ValidateConstraint | facts.ChangeRows, held: dict[facts.Relation, LockMode]
) -> bool:
    """What validate-in-same-transaction tells."""
    keys = {relation.key for relation in held}
    return isinstance(fact, facts.ValidateConstraint) and fact.relation.key in keys
