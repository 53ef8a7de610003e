"""Finds CREATE OR REPLACE FUNCTION that replaces nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import Relation, TypeName


class FunctionOverload(Rule):
    """CREATE FUNCTION under the name of another one that has other arguments.

    A function is known by its name and its arguments' types (Postgres docs, CREATE FUNCTION, "Overloading"):
    with others, CREATE OR REPLACE replaces nothing. Callers go on with the old function, or, where defaults
    or casts make both fit, fail because the call is not unique. Only the catalog knows the old one, so this
    rule needs a shadow database.
    """

    name = "function-overload"
    family = "compatibility"
    severity = Severity.WARNING
    help = """
        If the old one is meant to go, drop it in the same migration, or later, when no code calls it:

        op.execute("DROP FUNCTION {name}({arguments})")
    """
    bad = (
        Example(
            """
            op.execute(
                "CREATE OR REPLACE FUNCTION double(a int, factor int DEFAULT 2) RETURNS int"
                " LANGUAGE sql AS 'SELECT a * factor'"
            )
            """,
            before=(
                BASELINE,
                "op.execute(\"CREATE FUNCTION double(a int) RETURNS int LANGUAGE sql AS 'SELECT a * 2'\")",
            ),
            trace_only=True,
        ),
    )
    good = (
        Example(
            """
            op.execute(
                "CREATE OR REPLACE FUNCTION double(a int) RETURNS int LANGUAGE sql AS 'SELECT a + a'"
            )
            """,
            before=(
                BASELINE,
                "op.execute(\"CREATE FUNCTION double(a int) RETURNS int LANGUAGE sql AS 'SELECT a * 2'\")",
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.CreateObject):
            if fact.arguments is None or ctx.catalog is None:
                continue
            known = set(ctx.catalog.signatures.get(fact.name.key, ()))
            there = known - _dropped(fact.name, known, ctx) if known else known
            if there and _types(fact.arguments) not in there:
                arguments = ", ".join(sorted(there)[0])
                yield self.finding(
                    statement,
                    f"{fact.name}({arguments}) stays beside it: calls go on to the old one, or are not"
                    " unique any more.",
                    name=fact.name,
                    arguments=arguments,
                )


def _types(arguments: Sequence[TypeName]) -> tuple[str, ...]:
    """As the catalog calls them: an array's type begins with an underscore."""
    return tuple(f"_{each.name}" if each.array else each.name for each in arguments)


def _dropped(name: Relation, known: set[tuple[str, ...]], ctx: RevisionContext) -> set[tuple[str, ...]]:
    """The signatures that this revision drops: named without arguments there is only one."""
    found: set[tuple[str, ...]] = set()
    for each in ctx.statements:
        for fact in each.each(facts.DropObject):
            if fact.name.key == name.key and fact.kind in ("function", "procedure", "routine"):
                found |= known if fact.arguments is None else {_types(fact.arguments)}
    return found
