"""Finds, by running it, migrations that do not work."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.source import function_line
from notifydb.lint.statement import Statement
from notifydb.revisions.graph import Revision


class MigrationFails(Rule):
    """A migration that failed on a copy of the state that it is made for.

    It would fail in the same way when it is deployed. A failure that the migration catches is none.
    """

    name = "migration-fails"
    family = "reliability"
    claim = Claim.FAILURE
    help = """
        Mend the statement; `notifydb upgrade` on a development database shows the same error.
    """
    bad = (
        Example('op.add_column("users", sa.Column("email", sa.Text))', trace_only=True),
        Example('raise RuntimeError("not finished")', trace_only=True),
    )
    good = (Example('op.add_column("users", sa.Column("nickname", sa.Text))'),)

    def check_statement(self, statement: Statement, _ctx: RevisionContext) -> Iterator[Finding]:
        failure = statement.failure
        if failure is not None and not (failure.with_rows_only or failure.survived):
            found = self.finding(statement, f"It fails on the shadow database: {failure.message}.")
            yield dataclasses.replace(found, source="trace", status="raised")

    def check_source(self, revision: Revision, tree: ast.Module, ctx: RevisionContext) -> Iterator[Finding]:
        """Failures that no statement is to blame for are the function's."""
        if ctx.error is not None:
            found = self.finding_at(revision, function_line(tree, "upgrade"), ctx.error)
            yield dataclasses.replace(found, source="trace", status="raised")
