"""Finds downgrades that pretend to work."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import function, function_line, is_empty
from notifydb.revisions.graph import Revision

_PRETENDS = "A downgrade takes the stamp back and leaves the schema as it is; the next upgrade fails."
_MISSING = "There is no downgrade(): a downgrade past this revision fails before it runs anything."


class EmptyDowngrade(Rule):
    """A downgrade() that does nothing, though upgrade() does something, or none at all.

    `alembic downgrade` succeeds, the stamp goes back, and the schema does not: the next upgrade fails. A
    downgrade that cannot be done should say so by raising. Where there is no function of that name, no downgrade
    gets past the revision, and none of those above it is run either.
    """

    name = "empty-downgrade"
    family = "history"
    severity = Severity.WARNING
    help = """
        def downgrade():
            raise NotImplementedError("{revision} cannot be undone: ...")
    """
    bad = (Example('op.add_column("users", sa.Column("nickname", sa.Text))', downgrade="pass"),)
    good = (
        Example(
            'op.add_column("users", sa.Column("nickname", sa.Text))',
            downgrade='op.drop_column("users", "nickname")',
        ),
        Example("pass", downgrade="pass"),
    )

    def check_source(self, revision: Revision, tree: ast.Module, _ctx: RevisionContext) -> Iterator[Finding]:
        upgrade, downgrade = function(tree, "upgrade"), function(tree, "downgrade")
        if upgrade is None or is_empty(upgrade) or (downgrade is not None and not is_empty(downgrade)):
            return
        if downgrade is None and _may_be_bound(tree, "downgrade"):
            return
        yield self.finding_at(
            revision,
            function_line(tree, "downgrade" if downgrade else "upgrade"),
            _PRETENDS if downgrade else _MISSING,
            revision=revision.id,
        )


def _may_be_bound(tree: ast.Module, name: str) -> bool:
    """Whether the module may have it from an import, an assignment or a function in a block."""
    for node in ast.walk(tree):
        match node:
            case ast.alias() if (node.asname or node.name) in (name, "*"):
                return True
            case ast.Name(id=found, ctx=ast.Store()) if found == name:
                return True
            case ast.FunctionDef(name=found) if found == name:
                return True
    return False
