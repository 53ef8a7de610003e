"""Finds NOT NULL that is proved by reading the table while everybody waits."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Fix, Rewrite
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind
from notifydb.sql.locks import LockMode


class SetNotNullScan(Rule):
    """SET NOT NULL on a column that nothing has proved to be free of nulls.

    It takes ACCESS EXCLUSIVE and reads the whole table. Postgres skips the reading when a validated CHECK
    (column IS NOT NULL) proves it (since 12), or a validated NOT NULL constraint (since 18; Postgres docs,
    ALTER TABLE, SET NOT NULL). PRIMARY KEY USING INDEX sets the index's columns NOT NULL in the same way.
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
    help_since_18 = """
        Two migrations, none of which makes anybody wait for long:

        op.execute("ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_present NOT NULL {column} NOT VALID")

        op.execute("ALTER TABLE {table} VALIDATE CONSTRAINT {table}_{column}_present")
    """
    fix = Fix(
        "add a CHECK that is NOT VALID; validate it, and then SET NOT NULL, in a migration of its own",
        safety="safe",
        rewrite=Rewrite.PROVED_NOT_NULL,
    )
    bad = (
        Example('op.alter_column("users", "email", nullable=False)'),
        Example(
            'op.execute("ALTER TABLE events ADD CONSTRAINT pk_events PRIMARY KEY USING INDEX ix_events_id")',
            before=(
                """
                op.create_table("events", sa.Column("id", sa.BigInteger))
                op.execute("CREATE UNIQUE INDEX ix_events_id ON events (id)")
                """,
            ),
            trace_only=True,
        ),
    )
    good = (
        Example(
            'op.execute("ALTER TABLE events ADD CONSTRAINT pk_events PRIMARY KEY USING INDEX ix_events_id")',
            before=(
                """
                op.create_table("events", sa.Column("id", sa.BigInteger, nullable=False))
                op.execute("CREATE UNIQUE INDEX ix_events_id ON events (id)")
                """,
            ),
        ),
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
        for table, column in _demanded(statement, ctx):
            if ctx.is_busy(table, statement) and not ctx.proved_not_null(table, column, statement):
                yield self.finding(
                    statement,
                    f"While {table} is searched for nulls in {column}, every read and write of it waits.",
                    instead=self.help_since_18 if (ctx.version or 0) >= _NOT_NULL_NOT_VALID else None,
                    table=table,
                    column=column,
                )


#: `ADD CONSTRAINT ... NOT NULL column NOT VALID` is of PostgreSQL 18.
_NOT_NULL_NOT_VALID = 18


def _demanded(statement: Statement, ctx: RevisionContext) -> Iterator[tuple[facts.Relation, str]]:
    for fact in statement.each(facts.SetNotNull):
        yield fact.relation, fact.column
    for constraint in statement.each(facts.AddConstraint):
        if constraint.kind is ConstraintKind.NOT_NULL and not constraint.not_valid:
            yield from ((constraint.relation, column) for column in constraint.columns)
        elif constraint.kind is ConstraintKind.PRIMARY_KEY and constraint.using_index:
            index = facts.Relation(constraint.using_index, constraint.relation.schema)
            yield from ((constraint.relation, column) for column in ctx.nullable_of_index(index, statement))
