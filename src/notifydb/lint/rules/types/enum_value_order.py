"""Finds enum values that are added without their place."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class EnumValueOrder(Rule):
    """ALTER TYPE ... ADD VALUE without BEFORE or AFTER.

    The value becomes the largest: ORDER BY and comparisons of enum columns go by the order of the values, not
    by their text (Postgres docs section 8.7.2). Where the order means something, it has to be said; the rule
    runs only where it is selected.
    """

    name = "enum-value-order"
    family = "types"
    severity = Severity.INFO
    opt_in = True
    help = """
        op.execute("ALTER TYPE {type} ADD VALUE '{value}' AFTER '...'")
    """
    bad = (
        Example(
            "op.execute(\"ALTER TYPE colour ADD VALUE 'blue'\")",
            before=(BASELINE, "op.execute(\"CREATE TYPE colour AS ENUM ('red', 'green')\")"),
        ),
    )
    good = (
        Example(
            "op.execute(\"ALTER TYPE colour ADD VALUE 'blue' AFTER 'red'\")",
            before=(BASELINE, "op.execute(\"CREATE TYPE colour AS ENUM ('red', 'green')\")"),
        ),
    )

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.AddEnumValue):
            if not fact.ordered:
                yield self.finding(
                    statement,
                    f"'{fact.value}' sorts after all other values of {fact.type}.",
                    type=fact.type,
                    value=fact.value,
                )
