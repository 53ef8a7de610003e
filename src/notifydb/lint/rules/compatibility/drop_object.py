"""Finds views, functions, types, sequences and extensions that the running code may still use."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class DropObject(Rule):
    """DROP of a view, function, type, domain, sequence, extension or foreign table.

    While the new version is deployed, the old one is still running, and its queries that name the object
    fail. A function that is made anew with other arguments is gone for those who call the old one; a view,
    type or function that the same transaction makes again is not missed. CASCADE takes along whatever depends
    on it by then, columns of a type included.
    """

    name = "drop-object"
    family = "compatibility"
    severity = Severity.WARNING
    help = """
        First deploy code that does not use it any more, then drop it, and say that this was done:

        # notifydb: ignore[drop-object] because the code stopped using it in release ...
        op.execute("{sql}")
    """
    bad = (
        Example(
            'op.execute("DROP VIEW names")',
            before=(BASELINE, 'op.execute("CREATE VIEW names AS SELECT name FROM users")'),
        ),
        Example(
            """
            op.execute("DROP FUNCTION one(integer)")
            op.execute("CREATE FUNCTION one(a text) RETURNS integer LANGUAGE sql AS 'SELECT 1'")
            """,
            before=(
                BASELINE,
                """
                op.execute("CREATE FUNCTION one(a integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'")
                """,
            ),
        ),
    )
    good = (
        Example(
            """
            op.execute("DROP VIEW names")
            op.execute("CREATE VIEW names AS SELECT name, email FROM users")
            """,
            before=(BASELINE, 'op.execute("CREATE VIEW names AS SELECT name FROM users")'),
        ),
        Example("""
            op.execute("CREATE TYPE colour AS ENUM ('red')")
            op.execute("DROP TYPE colour")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropObject):
            if fact.kind in _ELSEWHERE or objects.is_new(fact.kind, fact.name, statement, ctx):
                continue
            if objects.comes_back(fact.kind, fact.name, statement, ctx, fact.arguments):
                continue
            if fact.kind == "type" and not fact.cascade and _lost_its_columns(statement, ctx):
                continue
            along = objects.taken_along(fact.name, ctx) if fact.cascade else ""
            yield self.finding(
                statement,
                f"Running code that still uses the {fact.kind} {fact.name} fails.{along}",
                sql=statement.sql,
            )


#: Told by drop-schema and by drop-trigger.
_ELSEWHERE = {"schema", "trigger", "rule", "policy"}


def _lost_its_columns(statement: Statement, ctx: RevisionContext) -> bool:
    """Postgres refuses to drop a type that a column has: where this revision took that away, that is told."""
    gone = (facts.DropColumn, facts.DropTable, facts.AlterColumnType)
    return any(isinstance(fact, gone) for each in ctx.before(statement) for fact in each.facts)
