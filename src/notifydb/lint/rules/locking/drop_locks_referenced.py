"""Tells which other tables a drop locks."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DropLocksReferenced(Rule):
    """Dropping a foreign key, its column or its table locks the table at its other end, too.

    The foreign key has triggers there, and to remove them ACCESS EXCLUSIVE is taken on both tables (measured on
    PostgreSQL 15, 16 and 18): a drop of a table that nobody uses waits for the queries on the busy ones that it
    refers to, and what comes after waits behind it. Which keys there are, only the catalog knows: this rule
    needs a shadow database.
    """

    name = "drop-locks-referenced"
    family = "locking"
    severity = Severity.INFO
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Drop one foreign key at a time, each in a migration of its own with a short lock_timeout, then the rest:

        {drops}
    """
    bad = (
        Example(
            'op.drop_constraint("fk_users", "users", type_="foreignkey")',
            before=(
                BASELINE,
                """
                op.create_foreign_key("fk_users", "users", "organizations", ["organization_id"], ["id"])
                """,
            ),
            trace_only=True,
        ),
    )
    good = (
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))
            op.drop_table("teams")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.facts:
            tables = [
                each
                for each in ctx.referenced(fact)
                if ctx.is_busy(each, statement) and not ctx.holds(statement, each, LockMode.ACCESS_EXCLUSIVE)
            ]
            if tables:
                yield self.finding(
                    statement,
                    f"It locks {', '.join(map(str, tables))}, too: until the transaction ends, every read and"
                    " write there waits.",
                    drops="\n".join(_drops(fact, ctx)),
                )


def _drops(fact: facts.Fact, ctx: RevisionContext) -> Iterator[str]:
    """The table's foreign keys, each dropped by itself; for DROP CONSTRAINT just that one."""
    table, only = facts.relation_of(fact), getattr(fact, "name", None)
    for (key, name), entry in (ctx.catalog.constraints if ctx.catalog else {}).items():
        if table and key == table.key and entry.references is not None and only in (None, name):
            yield f'op.drop_constraint("{name}", "{table}", type_="foreignkey")'
