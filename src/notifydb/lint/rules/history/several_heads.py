"""Finds histories that have split."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import Context
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import assignment_line
from notifydb.revisions.graph import History


class SeveralHeads(Rule):
    """More than one head.

    Two branches added a migration to the same parent. `upgrade head` refuses, and which of the two runs
    first is open.
    """

    name = "several-heads"
    family = "history"
    help = """
        notifydb migrate rebase
    """
    bad = (
        Example(
            'op.execute("SELECT 1")',
            files={
                "0002_other.py": """
                        import sqlalchemy as sa
                        from alembic import op

                        revision = "0002_other"
                        down_revision = "0001_before"


                        def upgrade():
                            op.execute("SELECT 1")


                        def downgrade():
                            raise NotImplementedError
                        """
            },
        ),
    )
    good = (Example('op.execute("SELECT 1")'),)

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:
        if len(history.heads) < 2:
            return
        for head in (each for each in history.heads if each in ctx.scope):
            revision = history.revisions[head]
            others = ", ".join(each for each in history.heads if each != head)
            yield self.finding_at(
                revision,
                assignment_line(revision, "down_revision"),
                f"The history has {len(history.heads)} heads, and `upgrade head` refuses: besides"
                f" {head} there is {others}.",
            )
