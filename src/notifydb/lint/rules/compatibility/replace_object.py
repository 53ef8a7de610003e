"""Finds views, functions and extensions whose meaning changes under the running code."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation


class ReplaceObject(Rule):
    """CREATE OR REPLACE, or DROP and CREATE, of a view or function; ALTER of one; ALTER EXTENSION UPDATE.

    The code that is still running calls the new one from the commit on. Whether that is another promise, only
    the team knows: the rule runs only where it is selected.
    """

    name = "replace-object"
    family = "compatibility"
    severity = Severity.INFO
    opt_in = True
    help = """
        Keep columns, arguments and meaning, or make a new one beside it. If the old code can live with it,
        say so:

        # notifydb: ignore[replace-object] because ...
    """
    bad = (
        Example(
            'op.execute("CREATE OR REPLACE VIEW names AS SELECT upper(name) AS name FROM organizations")',
            before=(BASELINE, 'op.execute("CREATE VIEW names AS SELECT name FROM organizations")'),
        ),
    )
    good = (
        Example("""
            op.execute("CREATE VIEW names AS SELECT name FROM users")
            op.execute("CREATE OR REPLACE VIEW names AS SELECT name FROM users WHERE logins > 0")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for kind, name in _replaced(statement, ctx):
            if not objects.is_new(kind, name, statement, ctx):
                yield self.finding(statement, f"Running code gets another {kind} {name} from the commit on.")


def _replaced(statement: Statement, ctx: RevisionContext) -> Iterator[tuple[str, Relation]]:
    for fact in statement.facts:
        match fact:
            case facts.CreateView(replace=True):
                yield "view", fact.relation
            case facts.CreateObject(kind="function" | "procedure", replace=True):
                yield fact.kind, fact.name
            case facts.DropObject(kind="view" | "materialized view" | "function" | "procedure"):
                if objects.comes_back(fact.kind, fact.name, statement, ctx, fact.arguments):
                    yield fact.kind, fact.name
            case facts.AlterObject(kind="view" | "function" | "procedure" | "extension"):
                yield fact.kind, fact.name
            case _:
                pass
