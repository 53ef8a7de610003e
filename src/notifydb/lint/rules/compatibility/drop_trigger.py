"""Finds triggers and rules whose work the running code may count on."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.locks import LockMode


class DropTrigger(Rule):
    """DROP TRIGGER or DROP RULE.

    Nothing fails, but what the trigger did (stamping, counting, auditing, copying to a new column) is not
    done any more for the writes of the code that is still running. It takes ACCESS EXCLUSIVE on the table.
    Often the new code does that work, so the rule runs only where it is selected.
    """

    name = "drop-trigger"
    family = "compatibility"
    severity = Severity.INFO
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    opt_in = True
    help = """
        Drop it when code that does without runs everywhere, and say that this was done:

        # notifydb: ignore[drop-trigger] because release ... does without
        op.execute("{sql}")
    """
    bad = (
        Example(
            'op.execute("DROP TRIGGER stamp ON users")',
            before=(
                BASELINE,
                """
                op.execute(
                    "CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW"
                    " EXECUTE FUNCTION suppress_redundant_updates_trigger()"
                )
                """,
            ),
        ),
    )
    good = (
        Example("""
            op.execute("CREATE TABLE teams (id int)")
            op.execute("CREATE RULE quiet AS ON DELETE TO teams DO INSTEAD NOTHING")
            op.execute("DROP RULE quiet ON teams")
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropObject):
            if fact.kind not in ("trigger", "rule") or fact.relation is None:
                continue
            if objects.is_new(fact.kind, fact.name, statement, ctx):
                continue
            if not objects.comes_back(fact.kind, fact.name, statement, ctx):
                yield self.finding(
                    statement,
                    f"Writes of the running code to {fact.relation} go without the {fact.kind} {fact.name}.",
                    sql=statement.sql,
                )
