"""Finds tables that get a name which the running code does not know."""

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


class RenameTable(Rule):
    """RENAME of a table, or SET SCHEMA.

    The rename is instant, and from then on every query of the old code that names the table fails. A view
    with the old name, made in the same transaction, keeps it working: simple views can be written to
    (Postgres docs, CREATE VIEW, "Updatable Views").
    """

    name = "rename-table"
    family = "compatibility"
    severity = Severity.WARNING
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Keep the old name alive until the old code is gone:

        op.rename_table("{table}", "{new_name}")
        op.execute("CREATE VIEW {table} AS SELECT * FROM {new_name}")

        If no running code says the old name, say so:

        # notifydb: ignore[rename-table] because ...
        op.rename_table("{table}", "{new_name}")
    """
    bad = (Example('op.rename_table("users", "people")'),)
    good = (
        Example("""
            op.rename_table("users", "people")
            op.execute("CREATE VIEW users AS SELECT * FROM people")
            """),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))
            op.rename_table("teams", "groups")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.RenameTable):
            if ctx.is_new(fact.relation, statement) or _kept_alive(fact.relation, statement, ctx):
                continue
            yield self.finding(
                statement,
                f"Running code that still says {fact.relation} fails.",
                table=fact.relation,
                new_name=fact.new_name,
            )


def _kept_alive(relation: facts.Relation, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether the same transaction puts a view in the table's place."""
    return any(
        fact.relation.key == relation.key
        for each in objects.later(statement, ctx)
        for fact in each.each(facts.CreateView)
    )
