"""Finds migrations that depend on code which will change."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import imported_modules
from notifydb.revisions.graph import Revision


class ImportsApplicationCode(Rule):
    """An import of the application.

    The migration runs with whatever the application is on the day: a model that has lost a column since, a
    constant with another value, a module that is gone. It also makes every run, even `alembic heads`, import
    the application.
    """

    name = "imports-application-code"
    family = "history"
    severity = Severity.WARNING
    help = """
        Copy what the migration needs into it; for tables, describe the columns that it uses:

        {name} = sa.table("...", sa.column("id"))
    """
    bad = (
        Example(
            'op.execute(f"UPDATE users SET logins = {LIMIT} WHERE id = 1")',
            imports="from shop.limits import LIMIT",
            application={"shop/__init__.py": "", "shop/limits.py": "LIMIT = 3"},
        ),
    )
    good = (
        Example(
            'op.execute(f"UPDATE users SET logins = {math.floor(3.5)} WHERE id = 1")', imports="import math"
        ),
    )

    def check_source(self, revision: Revision, tree: ast.Module, ctx: RevisionContext) -> Iterator[Finding]:
        for node, module in imported_modules(tree):
            if ctx.is_application(module):
                yield self.finding_at(
                    revision,
                    node,
                    f"The migration changes its meaning whenever {module} does.",
                    name=module.rsplit(".", 1)[-1],
                )
