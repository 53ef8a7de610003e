"""Finds work on a table that is done twice and could be done once."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind, Relation


class AltersCouldBeOne(Rule):
    """Several ALTER TABLEs of one transaction that each read or write the whole table.

    The actions of one ALTER TABLE share one pass over the rows (Postgres docs, ALTER TABLE, "Notes"): two
    columns set NOT NULL in two statements are two scans under the lock, in one statement they are one.
    """

    name = "alters-could-be-one"
    family = "rewrites"
    severity = Severity.INFO
    opt_in = True
    claim = Claim.SCAN
    help = """
        op.execute("ALTER TABLE {table} <first action>, <second action>")
    """
    bad = (
        Example(
            """
            op.alter_column("users", "email", nullable=False)
            op.alter_column("users", "logins", nullable=False)
            """,
            options={"ignore": frozenset({"set-not-null-scan", "scan-under-lock"})},
        ),
    )
    good = (
        Example(
            """
            op.execute("ALTER TABLE users ALTER email SET NOT NULL, ALTER logins SET NOT NULL")
            op.add_column("users", sa.Column("note", sa.Text))
            """,
            options={"ignore": frozenset({"set-not-null-scan", "scan-under-lock"})},
        ),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        passed = dict(_passed_over(statement, ctx))
        before = _passes(statement, ctx) if passed else {}
        for table, column in passed.items():
            columns = before.get(table.key, set())
            if columns and column not in columns and ctx.is_busy(table, statement):
                yield self.finding(
                    statement,
                    f"It goes over all rows of {table} once more; one ALTER TABLE for all would do it once.",
                    table=table,
                )


def _passes(statement: Statement, ctx: RevisionContext) -> dict[tuple[str, str], set[str]]:
    """By table, the columns of the actions that an ALTER TABLE could have had in common with the statement.

    What stands before a change of the rows has to stay there.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for each in ctx.earlier(statement):
        for changed in each.each(facts.ChangeRows):
            found.pop(changed.relation.key, None)
        for table, column in _passed_over(each, ctx):
            found.setdefault(table.key, set()).add(column)
    return found


def _passed_over(statement: Statement, ctx: RevisionContext) -> Iterator[tuple[Relation, str]]:
    """The tables whose rows an ALTER TABLE reads or writes, one by one, and the column that it is for."""
    for fact in statement.facts:
        if isinstance(fact, facts.AlterColumnType | facts.SetNotNull):
            yield fact.relation, fact.column
        elif isinstance(fact, facts.AddConstraint):
            if fact.kind is ConstraintKind.CHECK and fact.enforced and not fact.not_valid:
                yield fact.relation, fact.name or ""
        elif isinstance(fact, facts.AddColumn):
            functions = fact.default.functions if fact.default else ()
            if fact.check or fact.serial or fact.identity or ctx.is_volatile(functions):
                yield fact.relation, fact.column
