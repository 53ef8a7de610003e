"""Finds changes of who may see which rows."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation


class ChangePolicy(Rule):
    """CREATE, ALTER or DROP POLICY on a table that was there before.

    The running code sees other rows from the commit on, and its writes that the policy does not allow fail.
    A review of such changes is a team's policy, so the rule runs only where it is selected.
    """

    name = "change-policy"
    family = "compatibility"
    severity = Severity.INFO
    opt_in = True
    help = """
        Have whoever answers for the access look at it, and say so:

        # notifydb: ignore[change-policy] because ...
        op.execute("{sql}")
    """
    bad = (Example('op.execute("CREATE POLICY own ON users USING (logins > 0)")'),)
    good = (
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer))
            op.execute("CREATE POLICY everybody ON teams USING (true)")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.facts:
            match fact:
                case (
                    facts.CreateObject(kind="policy", relation=Relation() as table)
                    | facts.AlterObject(kind="policy", relation=Relation() as table)
                    | facts.DropObject(kind="policy", relation=Relation() as table)
                ):
                    if not ctx.is_new(table, statement):
                        yield self.finding(
                            statement,
                            f"Other rows of {table} are seen and written from the commit on.",
                            sql=statement.sql,
                        )
                case _:
                    pass
