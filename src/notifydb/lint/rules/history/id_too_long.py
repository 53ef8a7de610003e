"""Finds revision ids that the version table cannot hold."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import Context
from notifydb.lint.example import Example
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.source import assignment_line
from notifydb.revisions import naming
from notifydb.revisions.graph import History


class IdTooLong(Rule):
    """A revision id of more than 32 characters.

    `alembic_version.version_num` is VARCHAR(32). A longer id fails only when the migration has run and is to
    be stamped; what an autocommit block did by then stays, and the next attempt fails on it.
    """

    name = "id-too-long"
    family = "history"
    claim = Claim.FAILURE
    help = """
        Shorten the id and the file's name: `notifydb migrate renumber` does both, and mends the next
        migration's
        down_revision.
    """
    bad = (Example('op.execute("SELECT 1")', revision="0002_a_rather_long_description_of_it"),)
    good = (Example('op.execute("SELECT 1")', revision="0002_short"),)

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:
        for revision in history.ordered():
            if revision.id in ctx.scope and len(revision.id) > naming.MAX_ID:
                yield self.finding_at(
                    revision,
                    assignment_line(revision, "revision"),
                    f"The id {revision.id} has {len(revision.id)} characters, and alembic_version holds"
                    f" {naming.MAX_ID}: the migration fails after it has run.",
                )
