"""Finds, by running them, downgrades that do not lead back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import function_line
from notifydb.revisions.reader import parse_module

#: So many objects are named, the others counted.
_NAMED = 4

if TYPE_CHECKING:
    from notifydb.lint.undo import Undone


class DowngradeIncomplete(Rule):
    """A downgrade() after which the schema is not what it was before upgrade().

    The stamp says that the database is at the parent's revision, and it is not: the next upgrade may fail on
    what was left behind, and the release that was gone back to misses what did not come back. Rows are not
    compared.
    """

    name = "downgrade-incomplete"
    family = "history"
    severity = Severity.WARNING
    help = """
        Undo in downgrade() all that upgrade() does, in the opposite order; what cannot be undone is said:

        raise NotImplementedError("{revision} cannot be undone: ...")
    """
    bad = (
        Example(
            """
            op.add_column("users", sa.Column("nickname", sa.Text))
            op.execute("CREATE TYPE colour AS ENUM ('red', 'green')")
            op.drop_index("ix_users_email", if_exists=True)
            """,
            downgrade='op.drop_column("users", "nickname")',
            options={"ignore": frozenset({"locking"})},
            trace_only=True,
        ),
    )
    good = (
        Example(
            """
            op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))
            op.add_column("users", sa.Column("nickname", sa.Text))
            """,
            downgrade='op.drop_column("users", "nickname")\nop.drop_table("teams")',
        ),
    )

    def check_downgrade(self, undone: Undone, ctx: RevisionContext) -> Iterator[Finding]:
        if undone.different:
            told = "; ".join(undone.different[:_NAMED])
            more = len(undone.different) - _NAMED
            yield self.finding_at(
                ctx.revision,
                function_line(parse_module(ctx.source, ctx.revision.path), "downgrade"),
                f"After a downgrade the schema is not what it was: {told}"
                + (f"; and {more} more." if more > 0 else "."),
                revision=ctx.revision.id,
            )
