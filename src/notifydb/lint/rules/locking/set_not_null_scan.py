"""Finds NOT NULL that is proved by reading the table while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class SetNotNullScan(Rule):
    """SET NOT NULL on a column that nothing has proved to be free of nulls.

    It takes ACCESS EXCLUSIVE and reads the whole table. Postgres skips the reading when a validated CHECK
    (column IS NOT NULL) proves it (since 12), or a validated NOT NULL constraint (since 18; Postgres docs,
    ALTER TABLE, SET NOT NULL).
    """

    name = "set-not-null-scan"
    family = "locking"
    claim = Claim.SCAN
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Three migrations, none of which makes anybody wait for long:

        op.execute(
            "ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_present"
            " CHECK ({column} IS NOT NULL) NOT VALID"
        )

        op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {table}_{column}_present")

        op.alter_column("{table}", "{column}", nullable=False)
        op.drop_constraint("{table}_{column}_present", "{table}")
    """
    bad = (
        Example('op.alter_column("users", "email", nullable=False)'),
        Example(
            'op.alter_column("users", "email", nullable=False)',
            before=(
                BASELINE,
                'op.create_check_constraint("ck", "users", "email IS NOT NULL OR name IS NOT NULL")',
            ),
        ),
    )
    good = (
        Example(
            """
            op.alter_column("users", "email", nullable=False)
            op.drop_constraint("users_email_present", "users")
            """,
            before=(
                BASELINE,
                'op.create_check_constraint("users_email_present", "users", "email IS NOT NULL")',
            ),
            trace_only=True,
        ),
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer), sa.Column("name", sa.Text))
            op.alter_column("teams", "name", nullable=False)
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for table, column in _demanded(statement):
            if ctx.is_busy(table, statement) and not ctx.proved_not_null(table, column, statement):
                yield self.finding(
                    statement,
                    f"While {table} is searched for nulls in {column}, every read and write of it waits.",
                    table=table,
                    column=column,
                )


def _demanded(statement: Statement) -> Iterator[tuple[facts.Relation, str]]:
    for fact in statement.each(facts.SetNotNull):
        yield fact.relation, fact.column
    for constraint in statement.each(facts.AddConstraint):
        if constraint.kind is facts.ConstraintKind.NOT_NULL and not constraint.not_valid:
            yield from ((constraint.relation, column) for column in constraint.columns)
