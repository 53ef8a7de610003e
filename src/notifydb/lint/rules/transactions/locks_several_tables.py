"""Finds transactions that lock one busy table after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode


class LocksSeveralTables(Rule):
    """ACCESS EXCLUSIVE on a second table in one transaction.

    While it waits for the second table, everybody waits for the first one; and a transaction of the application
    that uses both in the other order is in a deadlock with it, so that Postgres ends one of the two (Postgres
    docs section 13.3.4).
    """

    name = "locks-several-tables"
    family = "transactions"
    severity = Severity.WARNING
    claim = Claim.LOCK
    opt_in = True
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Change each table in a migration of its own.
    """
    bad = (
        Example("""
            op.add_column("users", sa.Column("note", sa.Text))
            op.add_column("organizations", sa.Column("note", sa.Text))
            """),
    )
    good = (
        Example("""
            op.add_column("users", sa.Column("note", sa.Text))
            op.add_column("users", sa.Column("remark", sa.Text))
            op.create_table("teams", sa.Column("id", sa.Integer))
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        made = {fact.relation.key for fact in statement.each(facts.CreateTable)}
        held = {lock.relation.key: lock.relation for _, lock in ctx.held(statement, self.lock)}
        own = {
            lock.relation.key: lock.relation
            for lock in ctx.locks(statement)
            if lock.mode >= self.lock and ctx.is_busy(lock.relation, statement)
        }
        added = [own[key] for key in own.keys() - held.keys() - made]
        if held and added:
            yield self.finding(
                statement,
                f"While it waits for {_some(added)}, every read and write of {_some(held.values())} waits, too.",
            )


def _some(tables: Iterable[Relation]) -> str:
    names = sorted(map(str, tables))
    return ", ".join(names) if len(names) <= _SHOWN else f"{names[0]} and {len(names) - 1} other tables"


_SHOWN = 3
