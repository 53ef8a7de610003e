"""Finds, by running them, migrations that leave a broken index."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import BASELINE, Example
from notifydb.lint.rule import Rule
from notifydb.lint.statement import Statement
from notifydb.lint.trace import Trace
from notifydb.sql import facts
from notifydb.sql.facts import Relation


class LeavesInvalidIndex(Rule):
    """An index that is invalid when the migration is done.

    A concurrent build that fails leaves one behind: it costs every write, answers no query, and a unique one
    does not hold. A migration that goes on after the failure hides it.
    """

    name = "leaves-invalid-index"
    family = "reliability"
    help = """
        Let the failure end the migration, or clear away what it left:

        op.execute("DROP INDEX CONCURRENTLY IF EXISTS {index}")
    """
    bad = (
        Example(
            """
            try:
                with op.get_context().autocommit_block():
                    op.execute("CREATE UNIQUE INDEX CONCURRENTLY uq_name ON users (name)")
            except sa.exc.IntegrityError:
                op.execute("SELECT 1")
            """,
            before=(BASELINE, "op.execute(\"INSERT INTO users (name) VALUES ('same'), ('same')\")"),
            trace_only=True,
        ),
    )
    good = (
        Example(
            """
            try:
                with op.get_context().autocommit_block():
                    op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_name")
                    op.execute("CREATE UNIQUE INDEX CONCURRENTLY uq_name ON users (name)")
            except sa.exc.IntegrityError:
                with op.get_context().autocommit_block():
                    op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_name")
            """,
            before=(BASELINE, "op.execute(\"INSERT INTO users (name) VALUES ('same'), ('same')\")"),
        ),
    )

    def check_trace(self, statement: Statement, trace: Trace, ctx: RevisionContext) -> Iterator[Finding]:
        if statement.failure is not None and statement.failure.with_rows_only:
            return
        for index in trace.invalid_indexes:
            if not _is_mended(index, statement, ctx):
                yield self.finding(
                    statement,
                    f"It leaves {index} behind, which is invalid: written to, and never used.",
                    index=index,
                )


def _is_mended(index: Relation, statement: Statement, ctx: RevisionContext) -> bool:
    later = [fact for each in ctx.statements[statement.index + 1 :] for fact in each.facts]
    return any(
        (isinstance(fact, facts.DropIndex) and fact.index.name == index.name)
        or (
            isinstance(fact, facts.Reindex) and fact.relation is not None and fact.relation.name == index.name
        )
        for fact in later
    )
