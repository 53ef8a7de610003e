"""Finds drops of everything at once."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class DropSchema(Rule):
    """DROP SCHEMA, DROP DATABASE or DROP OWNED.

    With CASCADE, and always with DROP DATABASE and DROP OWNED, everything goes that is there by then, also
    what nobody who reviewed the migration has seen.
    """

    name = "drop-schema"
    family = "compatibility"
    help = """
        Drop what you know by its name, and the schema last, without CASCADE. If it is empty and nobody uses
        it, say so:

        # notifydb: ignore[drop-schema] because ...
    """
    bad = (
        Example(
            'op.execute("DROP SCHEMA archive CASCADE")',
            before=(BASELINE, 'op.execute("CREATE SCHEMA archive")'),
        ),
    )
    good = (
        Example("""
            op.execute("CREATE SCHEMA scratch")
            op.execute("DROP SCHEMA scratch CASCADE")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.facts:
            match fact:
                case facts.DropObject(kind="schema"):
                    if not objects.is_new("schema", fact.name, statement, ctx):
                        rest = " with all that is in it" if fact.cascade else ""
                        yield self.finding(
                            statement, f"The schema {fact.name} goes{rest}; running code that uses it fails."
                        )
                case facts.OutsideOnly(command="DROP DATABASE"):
                    yield self.finding(statement, "A whole database goes, with all that is in it.")
                case facts.Other(node="drop_owned_stmt"):
                    yield self.finding(
                        statement,
                        "Everything that the role owns in this database goes, whatever it is by then.",
                    )
                case _:
                    pass
