"""Finds migrations without a function to run."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import assigned_names
from notifydb.revisions.graph import Revision


class MissingUpgrade(Rule):
    """A migration that has no `upgrade`.

    Alembic finds out when it comes to the file, with an AttributeError. A migration with nothing to do says
    `pass`.
    """

    name = "missing-upgrade"
    family = "history"
    help = """
        def upgrade():
            ...
    """
    bad = (
        Example(
            'op.execute("SELECT 1")',
            files={
                "0002_example.py": """
                    revision = "0002_example"
                    down_revision = "0001_before"


                    def upgrad():
                        pass


                    def downgrade():
                        raise NotImplementedError
                    """
            },
            options={"ignore": frozenset({"migration-fails"})},
        ),
    )
    good = (Example("pass", downgrade="pass"),)

    def check_source(self, revision: Revision, tree: ast.Module, _ctx: RevisionContext) -> Iterator[Finding]:
        if "upgrade" not in assigned_names(tree):
            yield self.finding_at(
                revision, 1, f"{revision.id} has no upgrade(), and fails when it is reached."
            )
