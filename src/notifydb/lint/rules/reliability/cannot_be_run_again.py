"""Finds migrations that a failure half-way leaves unrepeatable."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.sql import facts


class CannotBeRunAgain(Rule):
    """A step that is committed before a later one of the same migration has succeeded, and fails if repeated.

    An autocommit block commits what was done before it, and each statement in it by itself. If a later
    statement fails, at a lock timeout or on the data, the migration is not stamped, and the next attempt
    fails at this one: what it makes is there already. Somebody has to mend the database by hand. Told once
    for each migration.
    """

    name = "cannot-be-run-again"
    family = "reliability"
    severity = Severity.WARNING
    help = """
        One step in each migration; or say IF NOT EXISTS or IF EXISTS, and for an index built concurrently
        first

        op.execute("DROP INDEX CONCURRENTLY IF EXISTS {name}")
    """
    bad = (
        Example("""
            op.add_column("users", sa.Column("nickname", sa.Text))
            with op.get_context().autocommit_block():
                op.create_index("ix_nickname", "users", ["nickname"], postgresql_concurrently=True)
            """),
        Example("""
            with op.get_context().autocommit_block():
                op.execute("CREATE INDEX CONCURRENTLY ix_name ON users (name)")
                op.execute("CREATE INDEX CONCURRENTLY ix_logins ON users (logins)")
            """),
    )
    good = (
        Example("""
            op.execute("ALTER TABLE users ADD COLUMN IF NOT EXISTS nickname text")
            with op.get_context().autocommit_block():
                op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_nickname")
                op.execute("CREATE INDEX CONCURRENTLY ix_nickname ON users (nickname)")
                op.execute("ANALYZE users")
            """),
        Example("""
            op.execute("SET LOCAL lock_timeout = '2s'")
            with op.get_context().autocommit_block():
                op.create_index("ix_name", "users", ["name"], postgresql_concurrently=True)
            """),
    )

    def check_statement(self, statement: Statement, ctx: RevisionContext) -> Iterator[Finding]:
        again = _fails_again(statement, ctx)
        # If there is a later step for this one, there is for the first such statement, and that is told.
        if again is None or any(_fails_again(each, ctx) for each in ctx.before(statement)):
            return
        later = _later_step(statement, ctx)
        if later is not None:
            yield self.finding(
                statement,
                f"It is committed before line {later.location.line} runs: if that fails, the next attempt fails"
                f" here, because {again}.",
                name=next((str(fact.index) for fact in statement.each(facts.CreateIndex)), "..."),
            )


def _later_step(statement: Statement, ctx: RevisionContext) -> Statement | None:
    """The first later statement that can fail once this one is committed."""
    transaction = statement.execution.transaction
    for each in ctx.statements[statement.index + 1 :]:
        together = each.execution is statement.execution or (
            transaction is not None and each.execution.transaction == transaction
        )
        if not together and not all(isinstance(fact, _HARMLESS) for fact in each.facts):
            return each
    return None


_HARMLESS = (facts.SetVariable, facts.Transaction, facts.Query, facts.Other)


def _fails_again(statement: Statement, ctx: RevisionContext) -> str | None:
    """Why a second run of the statement fails; None if it does not, or nobody knows."""
    reasons = (_reason(fact, statement, ctx) for fact in statement.facts)
    return next((reason for reason in reasons if reason is not None), None)


def _reason(fact: facts.Fact, statement: Statement, ctx: RevisionContext) -> str | None:
    match fact:
        case facts.CreateTable(temporary=False, if_not_exists=False):
            return f"{fact.relation} is there already"
        case facts.AddColumn(if_not_exists=False):
            return f"{fact.relation}.{fact.column} is there already"
        case facts.CreateIndex(if_not_exists=False, index=str() as index):
            return None if _was_cleared(index, statement, ctx) else f"{index} is there already"
        case facts.AddConstraint(name=str() as name):
            return None if _was_cleared(name, statement, ctx) else f"{name} is there already"
        case facts.DropTable(if_exists=False):
            return f"{fact.relation} is gone already"
        case facts.DropColumn(if_exists=False):
            return f"{fact.relation}.{fact.column} is gone already"
        case facts.DropIndex(if_exists=False):
            return f"{fact.index} is gone already"
        case facts.DropConstraint(if_exists=False):
            return f"{fact.name} is gone already"
        case facts.RenameColumn() | facts.RenameTable():
            return "it has its new name already"
        case _:
            return None


def _was_cleared(name: str, statement: Statement, ctx: RevisionContext) -> bool:
    dropped = ctx.facts_before(statement, facts.DropIndex, facts.DropConstraint)
    return any(
        (isinstance(fact, facts.DropIndex) and fact.if_exists and fact.index.name == name)
        or (isinstance(fact, facts.DropConstraint) and fact.if_exists and fact.name == name)
        for fact in dropped
    )
