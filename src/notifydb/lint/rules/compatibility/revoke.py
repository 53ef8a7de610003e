"""Finds privileges that the running code may still need."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation


class Revoke(Rule):
    """REVOKE.

    Queries of the running code that need the privilege fail at once with "permission denied". A shadow
    database runs everything as one role, so no test of the migration shows it.
    """

    name = "revoke"
    family = "compatibility"
    severity = Severity.WARNING
    help = """
        First deploy code that connects as another role, or does without; then say that this was done:

        # notifydb: ignore[revoke] because ...
        op.execute("{sql}")
    """
    bad = (Example('op.execute("REVOKE SELECT ON users FROM PUBLIC")'),)
    good = (
        Example("""
            op.create_table("teams", sa.Column("id", sa.Integer))
            op.execute("REVOKE ALL ON teams FROM PUBLIC")
            op.execute("CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'")
            op.execute("REVOKE ALL ON FUNCTION one() FROM PUBLIC")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.Revoke):
            names = [each for each in fact.names if not _is_new(fact.kind, each, statement, ctx)]
            if names:
                what = ", ".join(fact.privileges) or (
                    "the membership" if fact.kind == "role" else "everything"
                )
                yield self.finding(
                    statement,
                    f"Code that runs as {', '.join(fact.roles)} loses {what} on the {fact.kind}"
                    f" {', '.join(map(str, names))}, and its queries that need it fail.",
                    sql=statement.sql,
                )


def _is_new(kind: str, name: Relation, statement: Statement, ctx: RevisionContext) -> bool:
    if objects.is_new(kind, name, statement, ctx):
        return True
    return kind == "table" and ctx.is_new(name, statement)
