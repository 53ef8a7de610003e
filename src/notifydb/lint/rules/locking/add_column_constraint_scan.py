"""Finds new columns whose own constraint reads the whole table."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class AddColumnConstraintScan(Rule):
    """ADD COLUMN with a CHECK, or with a foreign key and a default.

    The constraint is checked against every row, under the ACCESS EXCLUSIVE lock of ADD COLUMN, even where
    all rows have the same value or null (measured on PostgreSQL 15 and 18). A foreign key on a column
    without a default is not checked: there is nothing to look up.
    """

    name = "add-column-constraint-scan"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Add the bare column, then the constraint without checking the old rows, and check them in the next
        migration:

        op.add_column("{table}", sa.Column("{column}", ...))
        op.execute("ALTER TABLE {table} ADD CONSTRAINT ... NOT VALID")
    """
    bad = (Example('op.execute("ALTER TABLE users ADD COLUMN age integer CHECK (age >= 0)")'),)
    good = (
        Example("""
            op.add_column("users", sa.Column("age", sa.Integer))
            op.execute("ALTER TABLE users ADD CONSTRAINT ck_users_age CHECK (age >= 0) NOT VALID")
            """),
        Example('op.execute("ALTER TABLE users ADD COLUMN team_id integer REFERENCES organizations (id)")'),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AddColumn):
            checked = fact.check or (fact.references is not None and fact.has_value)
            if checked and ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"While the constraint on the new column {fact.column} is checked for all rows of"
                    f" {fact.relation}, every read and write of it waits.",
                    table=fact.relation,
                    column=fact.column,
                )
