"""Finds migrations that were edited after they had been applied."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from notifydb import errors
from notifydb.findings import Finding, Location, Severity
from notifydb.lint.context import Context
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.reader import parse_revision
from notifydb.revisions.sources import is_same_upgrade


class EditedAfterApplied(Rule):
    """A migration whose file is another than the one that was applied.

    A database that has applied it never runs it again: what the edit adds is missing there, and databases made
    from now on differ from it. What was applied is known from production's history, where
    notifydb-history.json holds it, and from the main branch: there only another upgrade() counts.
    """

    name = "edited-after-applied"
    family = "history"
    severity = Severity.WARNING
    help = """
        Put the file back as it was applied, and write what is new as a migration of its own:

        git checkout {main} -- {file}
        notifydb migrate new -m "..."
    """
    bad = (
        Example('op.execute("SELECT 1")', options={"applied": {"0001_before": "0" * 64}}),
        Example(
            'op.execute("SELECT 1")',
            options={
                "merged": {
                    "0002_example": b'revision = "0002_example"\ndown_revision = "0001_before"\n'
                    b"\n\ndef upgrade():\n    op.execute('SELECT 2')\n"
                }
            },
        ),
    )
    good = (
        Example('op.execute("SELECT 1")', options={"applied": {"0003_gone": "0" * 64}}),
        Example(
            'op.execute("SELECT 1")',
            options={
                "merged": {
                    "0002_example": b'revision = "0002_example"\ndown_revision = "0001_before"\n'
                    b"from __future__ import annotations\nimport sqlalchemy as sa\nfrom alembic import op\n"
                    b"\n\ndef upgrade():\n    op.execute('SELECT 1')  # as before\n"
                }
            },
        ),
    )

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:
        applied, merged = ctx.options.applied, ctx.options.merged
        for revision in history.ordered():
            if revision.id in applied and _digest(revision) != applied[revision.id]:
                yield self._finding(revision, ctx, "was applied from another text than this one")
            elif revision.id in merged and not _does_the_same(revision, merged[revision.id]):
                yield self._finding(revision, ctx, "does something else on the main branch")

    def _finding(self, revision: Revision, ctx: Context, what: str) -> Finding:
        message = f"{revision.id} {what}: who has applied it does not run it again."
        # Nobody asks about what is on the main branch already: it is told all the same.
        asked = revision.id if revision.id in ctx.scope else None
        location = Location(revision.path)
        return Finding(self.name, self.severity, location, message, revision=asked, help=self.safe_form)


def _digest(revision: Revision) -> str:
    return hashlib.sha256(revision.path.read_bytes()).hexdigest()


def _does_the_same(revision: Revision, source: bytes) -> bool:
    try:
        there = parse_revision(source, revision.path)
    except errors.HistoryError:
        return False
    return there is not None and is_same_upgrade(there, source, revision)
