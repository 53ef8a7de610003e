"""Finds defaults that change what the inserts of the running code mean."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class SetDefault(Rule):
    """SET DEFAULT on a column that was there before.

    Code that is still running and leaves the column out of its inserts writes the new value from then on.
    Mostly that is what is wanted, so the rule runs only where it is selected.
    """

    name = "set-default"
    family = "compatibility"
    severity = Severity.INFO
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    opt_in = True
    help = """
        Let the new code write the value itself, and change the default when the old code is gone:

        # notifydb: ignore[set-default] because ...
        op.alter_column("{table}", "{column}", server_default=...)
    """
    bad = (Example('op.alter_column("users", "logins", server_default="0")'),)
    good = (
        Example("""
            op.add_column("users", sa.Column("nickname", sa.Text))
            op.alter_column("users", "nickname", server_default="")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.SetDefault):
            if ctx.is_new(fact.relation, statement) or _is_new_column(fact, statement, ctx):
                continue
            yield self.finding(
                statement,
                f"Running code that leaves {fact.column} out of its inserts into {fact.relation}"
                " writes another value from now on.",
                table=fact.relation,
                column=fact.column,
            )


def _is_new_column(fact: facts.SetDefault, statement: Statement, ctx: RevisionContext) -> bool:
    return any(
        added.column == fact.column and added.relation.key == fact.relation.key
        for each in ctx.before(statement)
        for added in each.each(facts.AddColumn)
    )
