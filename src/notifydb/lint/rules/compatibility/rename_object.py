"""Finds types, functions, sequences, schemas and enum values that get another name."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint import objects
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class RenameObject(Rule):
    """RENAME or SET SCHEMA of a schema, type, enum value, function or sequence.

    The rename is instant, and from then on the old code fails where it says the old name: `'value'` and casts
    to the type, which psycopg and asyncpg get from SQLAlchemy's Enum, calls of the function, `nextval`. What
    a table or view gets is told by rename-table. Renamed indexes, triggers and constraints break nobody. A
    sequence that belongs to a column (`..._seq`) follows it by itself.
    """

    name = "rename-object"
    family = "compatibility"
    severity = Severity.WARNING
    help = """
        Add the new one beside the old one and drop the old one when no code says it any more. If no running
        code does, say so:

        # notifydb: ignore[rename-object] because ...
    """
    bad = (
        Example(
            "op.execute(\"ALTER TYPE colour RENAME VALUE 'red' TO 'crimson'\")",
            before=(BASELINE, "op.execute(\"CREATE TYPE colour AS ENUM ('red', 'green')\")"),
        ),
    )
    good = (
        Example(
            """
            op.execute("ALTER TYPE colour RENAME TO colour_old")
            op.execute("CREATE TYPE colour AS ENUM ('red', 'green', 'blue')")
            op.execute("DROP TYPE colour_old")
            op.execute("ALTER SEQUENCE users_id_seq RENAME TO people_id_seq")
            """,
            before=(BASELINE, "op.execute(\"CREATE TYPE colour AS ENUM ('red', 'green')\")"),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.RenameObject):
            if _is_harmless(fact, statement, ctx):
                continue
            old = f"'{fact.value}' of {fact.name}" if fact.value else f"the {fact.kind} {fact.name}"
            yield self.finding(statement, f"Running code that still says {old} fails.")


def _is_harmless(fact: facts.RenameObject, statement: Statement, ctx: RevisionContext) -> bool:
    kind = "type" if fact.kind == "enum value" else fact.kind
    if kind == "sequence" and fact.name.name.endswith("_seq"):
        return True
    if objects.is_new(kind, fact.name, statement, ctx):
        return True
    return kind == fact.kind and objects.comes_back(kind, fact.name, statement, ctx)
