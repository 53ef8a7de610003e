"""Finds migrations that do something else in each environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.revisions.graph import Revision


class ReadsEnvironment(Rule):
    """os.environ, os.getenv or Flask's current_app.config in a migration.

    The same revision then means different schemas or data in different places, a missing variable stops even
    `alembic heads` when it is read while the file is loaded, and no replay can prove anything.
    """

    name = "reads-environment"
    family = "history"
    severity = Severity.WARNING
    help = """
        Load environment-dependent data outside of the migrations, from a command or a seed file.
    """
    bad = (
        Example(
            "op.execute(f\"UPDATE users SET name = {os.getenv('USER_NAME', '1')} WHERE id = 1\")",
            imports="import os",
        ),
    )
    good = (Example('op.execute("UPDATE users SET logins = 1 WHERE id = 1")', imports="import os.path"),)

    def check_source(self, revision: Revision, tree: ast.Module, _ctx: RevisionContext) -> Iterator[Finding]:
        for node in ast.walk(tree):
            if _reads(node) and isinstance(node, ast.stmt | ast.expr):
                yield self.finding_at(
                    revision, node, "The migration does something else in each environment."
                )


def _reads(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return ast.unparse(node) in ("os.environ", "os.getenv", "current_app.config")
    names = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
    return isinstance(node, ast.ImportFrom) and node.module == "os" and bool(names & {"environ", "getenv"})
