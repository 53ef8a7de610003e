"""Finds required columns that nothing fills any more when an insert leaves them out."""

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


class DropDefault(Rule):
    """DROP DEFAULT of a NOT NULL column, DROP IDENTITY, or DROP EXPRESSION of a generated column.

    Code that is still running leaves the column out of its inserts: because the default was there, or because
    it does not know the column yet, where the same migration adds it. From then on these inserts fail, or
    write null.
    """

    name = "drop-default"
    family = "compatibility"
    severity = Severity.WARNING
    claim = Claim.LOCK
    lock = LockMode.ACCESS_EXCLUSIVE
    help = """
        Keep the default until code that writes the column runs everywhere, then drop it in a migration of
        its own:

        # notifydb: ignore[drop-default] because release ... writes {column} in every insert
        op.alter_column("{table}", "{column}", server_default=None)
    """
    bad = (
        Example("""
            op.add_column("users", sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()))
            op.alter_column("users", "active", server_default=None)
            """),
        Example(
            'op.alter_column("users", "active", server_default=None)',
            before=(
                BASELINE,
                """
                op.add_column("users", sa.Column("active", sa.Boolean, nullable=False, server_default="1"))
                """,
            ),
            trace_only=True,
        ),
    )
    good = (
        Example("""
            op.alter_column("organizations", "name", server_default="unknown")
            op.alter_column("users", "email", server_default=None)
            """),
        Example(
            """
            op.alter_column("organizations", "code", server_default=None)
            op.alter_column("organizations", "code", server_default="new")
            """,
            before=(
                BASELINE,
                """
                op.add_column("organizations", sa.Column("code", sa.Text, nullable=False, server_default="x"))
                """,
            ),
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        for fact in statement.each(facts.DropDefault):
            if ctx.is_new(fact.relation, statement) or _is_filled_again(fact, statement, ctx):
                continue
            if (outcome := _outcome(fact, statement, ctx)) is not None:
                yield self.finding(
                    statement,
                    f"Running code that leaves {fact.column} out of its inserts into {fact.relation}"
                    f" {outcome}.",
                    table=fact.relation,
                    column=fact.column,
                )


def _outcome(fact: facts.DropDefault, statement: Statement, ctx: RevisionContext) -> str | None:
    """What such an insert does; None where null is what it always meant."""
    if fact.source == "expression":
        return "writes null from now on"
    if fact.source == "identity" or _is_required(fact, statement, ctx):
        return f"fails from now on: {fact.column} is NOT NULL"
    return None


def _is_required(fact: facts.DropDefault, statement: Statement, ctx: RevisionContext) -> bool:
    entry = ctx.catalog.column(fact.relation, fact.column) if ctx.catalog else None
    required = entry is not None and entry.not_null
    for each in (*ctx.before(statement), statement):
        for other in each.facts:
            if getattr(other, "column", None) == fact.column and other_table(other) == fact.relation.key:
                match other:
                    case facts.SetNotNull() | facts.AddColumn(not_null=True):
                        required = True
                    case facts.DropNotNull():
                        required = False
                    case _:
                        pass
    return required


def other_table(fact: facts.Fact) -> tuple[str, str] | None:
    relation = facts.relation_of(fact)
    return relation.key if relation else None


def _is_filled_again(fact: facts.DropDefault, statement: Statement, ctx: RevisionContext) -> bool:
    """Whether the same transaction sets another default, as around a change of type, or drops the column."""
    return any(
        (
            isinstance(other, facts.SetDefault | facts.DropColumn | facts.DropNotNull)
            and other.column == fact.column
        )
        or (isinstance(other, facts.AlterTable) and other.action == "AddIdentity")
        for each in (statement, *objects.later(statement, ctx))
        for other in each.facts
        if other is not fact and other_table(other) == fact.relation.key
    )
