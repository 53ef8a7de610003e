"""Finds enum values that are used before they are committed."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class EnumValueInSameTransaction(Rule):
    """A value that ALTER TYPE ... ADD VALUE added is used in the same transaction.

    Postgres refuses it (SQLSTATE 55P04, "unsafe use of new value", measured on PostgreSQL 15 and 18): until
    the commit other sessions do not know the value. PostgreSQL 18 allows it where the same
    transaction made the type.
    """

    name = "enum-value-in-same-transaction"
    family = "transactions"
    claim = Claim.FAILURE
    help = """
        Add the value in an autocommit block, which commits it at once (or in a migration of its own):

        with op.get_context().autocommit_block():
            op.execute("ALTER TYPE {type} ADD VALUE IF NOT EXISTS '{value}'")
    """
    bad = (
        Example(
            """
            op.execute("ALTER TYPE colour ADD VALUE 'blue'")
            op.alter_column("users", "colour", server_default="blue")
            """,
            before=(
                BASELINE,
                """
                op.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
                op.execute("ALTER TABLE users ADD COLUMN colour colour")
                """,
            ),
        ),
    )
    good = (
        Example(
            """
            with op.get_context().autocommit_block():
                op.execute("ALTER TYPE colour ADD VALUE IF NOT EXISTS 'blue'")
            op.alter_column("users", "colour", server_default="blue")
            """,
            before=(
                BASELINE,
                """
                op.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
                op.execute("ALTER TABLE users ADD COLUMN colour colour")
                """,
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        if any(isinstance(fact, facts.AddEnumValue | facts.CreateObject) for fact in statement.facts):
            return
        for each, fact in ctx.earlier_facts(statement, facts.AddEnumValue):
            if _literal(fact.value) in statement.sql and not _is_allowed(fact, each, ctx):
                yield self.finding(
                    statement,
                    f"It uses '{fact.value}', which {fact.type} gets in the same transaction: Postgres"
                    " refuses that until the value is committed.",
                    type=fact.type,
                    value=fact.value,
                )


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _is_allowed(fact: facts.AddEnumValue, statement: Statement, ctx: RevisionContext) -> bool:
    return (ctx.version is None or ctx.version >= _OWN_TYPES_SINCE) and any(
        made.kind == "type" and made.name.name == fact.type
        for _, made in ctx.earlier_facts(statement, facts.CreateObject)
    )


#: Measured: PostgreSQL 15 refuses it, 18 does not; what is between has not been tried.
_OWN_TYPES_SINCE = 18
