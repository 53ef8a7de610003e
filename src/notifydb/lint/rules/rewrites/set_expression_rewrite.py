"""Finds generated columns whose expression changes."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class SetExpressionRewrite(Rule):
    """ALTER COLUMN ... SET EXPRESSION of a stored generated column (Postgres 17).

    The value is computed again for every row: the table and all of its indexes are written anew under ACCESS
    EXCLUSIVE. A VIRTUAL column (Postgres 18) is computed when it is read; there nothing is written.
    """

    name = "set-expression-rewrite"
    family = "rewrites"
    claim = Claim.REWRITE
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Add a column with the new expression that is VIRTUAL (Postgres 18), or a plain one that a trigger keeps
        and that is filled in batches; let the code read it, then drop the old one:

        op.execute("ALTER TABLE {table} ADD COLUMN {column}_new ... GENERATED ALWAYS AS (...) VIRTUAL")
    """
    bad = (
        Example(
            'op.execute("ALTER TABLE users ALTER COLUMN twice SET EXPRESSION AS (logins * 3)")',
            before=(
                BASELINE,
                """
                op.execute(
                    "ALTER TABLE users ADD COLUMN twice integer GENERATED ALWAYS AS (logins * 2) STORED"
                )
                """,
            ),
            since=17,
        ),
    )
    good = (
        Example(
            """
            op.execute("CREATE TABLE teams (size integer, twice integer GENERATED ALWAYS AS (size * 2) STORED)")
            op.execute("ALTER TABLE teams ALTER COLUMN twice SET EXPRESSION AS (size * 3)")
            """,
            since=17,
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.SetExpression):
            if ctx.is_busy(fact.relation, statement):
                yield self.finding(
                    statement,
                    f"{fact.relation} and its indexes are written anew to compute {fact.column} again; every"
                    " read and write of it waits.",
                    table=fact.relation,
                    column=fact.column,
                )
