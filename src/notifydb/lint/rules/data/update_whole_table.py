"""Finds changes of so many rows that production waits for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.lint.trace import Trace
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class UpdateWholeTable(Rule):
    """UPDATE or DELETE of a whole table, or, as the trace shows, of a quarter or more, in one transaction.

    Each changed row is locked until the commit, so that everybody who wants to change one of them waits; the
    old versions stay as bloat until a vacuum, and all of it goes to the replicas at once.
    """

    name = "update-whole-table"
    family = "data"
    severity = Severity.WARNING
    claim = Claim.CHANGE
    lock = LockMode.ROW_EXCLUSIVE
    help = """
        Change it in batches, each in a transaction of its own:

        with op.get_context().autocommit_block():
            while op.get_bind().execute(sa.text(
                "{command} ... WHERE id IN (SELECT id FROM {table} WHERE ... LIMIT 1000)"
            )).rowcount:
                pass
    """
    bad = (
        Example('op.execute("UPDATE users SET logins = 0")'),
        Example('op.execute("DELETE FROM users")'),
        Example('op.execute("UPDATE users SET logins = 0 WHERE id > 100")', trace_only=True),
    )
    good = (
        Example('op.execute("UPDATE users SET logins = 0 WHERE id = 7")'),
        Example("""
            with op.get_context().autocommit_block():
                op.execute("UPDATE users SET logins = 0 WHERE id IN (SELECT id FROM users LIMIT 1000)")
            """),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.execute("INSERT INTO teams SELECT id, name FROM users")
            op.execute("UPDATE teams SET name = 'x'")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in _whole(statement):
            if ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"Every row of {fact.relation} is {fact.command}d, and locked until this transaction"
                    " ends; whoever wants to change one waits.",
                    table=fact.relation,
                    command=fact.command.upper(),
                )

    def check_trace(self, statement: Statement, trace: Trace, ctx: RevisionContext) -> Iterator[Finding]:
        if any(_whole(statement)) or _is_batch(statement):
            return
        for table, rows in (trace.changed or {}).items():
            there = trace.rows_of(table) or rows
            if there >= ctx.options.notable_rows and rows * _SHARE >= there and not ctx.is_small(table):
                yield self.finding(
                    statement,
                    f"It changes {rows:,} rows of {table} in one go; each is locked until the"
                    " transaction ends.",
                    table=table,
                    command=_command(statement),
                )


#: A quarter of the rows is many: what one value of a boolean or of a short enum selects.
_SHARE = 4


def _command(statement: Statement) -> str:
    return next((fact.command.upper() for fact in statement.each(facts.ChangeRows)), "UPDATE")


def _is_batch(statement: Statement) -> bool:
    """Whether it is what this rule asks for: a limited number of rows, committed by itself."""
    return not statement.in_transaction and _LIMIT.search(statement.sql) is not None


_LIMIT = re.compile(r"\bLIMIT\s+\d+", re.IGNORECASE)


def _whole(statement: Statement) -> Iterator[facts.ChangeRows]:
    for fact in statement.each(facts.ChangeRows):
        if fact.command in ("update", "delete") and not fact.bounded:
            yield fact
