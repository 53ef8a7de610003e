"""Finds a head file that does not name the head."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Finding, Location, Severity
from notifydb.lint.context import Context
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.revisions import headfile
from notifydb.revisions.graph import History
from notifydb.revisions.headfile import HeadProblem


class HeadFile(Rule):
    """A head file that does not name the head.

    The file is what two branches that each add a migration change in the same line, so that git reports a
    conflict instead of merging two heads. It can do so only if every new migration is written into it. A
    missing file is mentioned and is no failure; `head_file = ""` says that the project does without.
    """

    name = "head-file"
    family = "history"
    help = """
        notifydb migrate head-file

        Where the history has several heads, notifydb migrate rebase mends both.
    """
    bad = (
        Example('op.execute("SELECT 1")', application={"migrations/.current-alembic-head": "0001_before\n"}),
        Example('op.execute("SELECT 1")', application={"migrations/.current-alembic-head": "0002_gone\n"}),
        Example('op.execute("SELECT 1")', application={"migrations/.current-alembic-head": ""}),
    )
    good = (
        Example('op.execute("SELECT 1")', application={"migrations/.current-alembic-head": "0002_example\n"}),
    )

    def check_graph(self, history: History, ctx: Context) -> Iterator[Finding]:
        if ctx.options.head_file is None or not history.revisions:
            return
        found = headfile.read(ctx.options.head_file, history)
        # Two heads are told by the rule for them.
        if found.problem is None or found.problem is HeadProblem.SEVERAL_HEADS:
            return
        severity, message = self.severity, found.message
        if found.problem is HeadProblem.MISSING:
            severity = Severity.INFO
            message = f"{message}: two branches that each add a migration merge without a conflict"
        yield Finding(self.name, severity, Location(found.path), f"{message}.", help=self.safe_form)
