"""Finds columns that get a name which the running code does not know."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class RenameColumn(Rule):
    """RENAME COLUMN.

    The rename is instant, and from then on every query of the old code that names the column fails; the new
    code fails until then. There is no order of deployment in which both work.
    """

    name = "rename-column"
    family = "compatibility"
    severity = Severity.WARNING
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Leave the database's name and rename in the model only:

        {new_name} = mapped_column("{column}", ...)

        or add the new column beside the old one, write both, fill the old rows, and drop the old one later. If
        no running code says the old name, say so:

        # notifydb: ignore[rename-column] because ...
        op.alter_column("{table}", "{column}", new_column_name="{new_name}")
    """
    bad = (Example('op.alter_column("users", "logins", new_column_name="login_count")'),)
    good = (
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.alter_column("teams", "name", new_column_name="title")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.RenameColumn):
            if not ctx.is_new(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"Running code that still says {fact.relation}.{fact.column} fails.",
                    table=fact.relation,
                    column=fact.column,
                    new_name=fact.new_name,
                )
