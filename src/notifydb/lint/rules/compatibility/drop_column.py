"""Finds columns that the running code may still use."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DropColumn(Rule):
    """DROP COLUMN.

    While the new version is deployed, the old one is still running: its queries name the column and fail.
    SQLAlchemy names every mapped column in each SELECT. Indexes over several columns go with any of them
    (Postgres docs, ALTER TABLE, DROP COLUMN), and with them what they kept unique; the catalog names them.
    """

    name = "drop-column"
    family = "compatibility"
    severity = Severity.WARNING
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        First deploy code that does not map the column any more, then drop it, and say that this was done:

        # notifydb: ignore[drop-column] because the code stopped using it in release ...
        op.drop_column("{table}", "{column}")
    """
    bad = (Example('op.drop_column("users", "logins")'),)
    good = (
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.drop_column("teams", "name")
            """),
        Example("""
            # notifydb: ignore[drop-column] because the code stopped using it in release 41
            op.drop_column("users", "logins")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropColumn):
            if not ctx.is_new(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"Running code that still reads or writes {fact.relation}.{fact.column} fails,"
                    f" and its data is gone.{_taken_along(fact, ctx)}",
                    table=fact.relation,
                    column=fact.column,
                )


def _taken_along(fact: facts.DropColumn, ctx: RevisionContext) -> str:
    indexes = [
        f"the {'unique ' if entry.unique else ''}index {name}"
        for (_, name), entry in (ctx.catalog.indexes.items() if ctx.catalog else ())
        if entry.table.key == fact.relation.key and fact.column in entry.columns and len(entry.columns) > 1
    ]
    told = f" It takes {', '.join(sorted(indexes))} along." if indexes else ""
    return told + (objects.taken_along(fact.relation, ctx, fact.column) if fact.cascade else "")
