"""Finds, by running them, downgrades that do not work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from notifydb.findings import Finding, Severity
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.rule import Rule
from notifydb.lint.source import function_line
from notifydb.revisions.reader import parse_module

if TYPE_CHECKING:
    from notifydb.lint.undo import Undone


class DowngradeFails(Rule):
    """A downgrade() that fails on a copy of the state that upgrade() leaves.

    It is found out on the day on which a deploy has to be taken back. A downgrade that refuses with a `raise`
    of its own is none of this: it says that there is no way back.
    """

    name = "downgrade-fails"
    family = "history"
    severity = Severity.WARNING
    help = """
        Mend downgrade(), or let it say that there is no way back:

        raise NotImplementedError("{revision} cannot be undone: ...")
    """
    bad = (
        Example(
            'op.add_column("users", sa.Column("nickname", sa.Text))',
            downgrade='op.drop_column("users", "nick")',
            trace_only=True,
        ),
    )
    good = (
        Example(
            'op.add_column("users", sa.Column("nickname", sa.Text))',
            downgrade='for reason in ("nobody writes it down", "why?"):\n    raise ValueError(reason)',
        ),
    )

    def check_downgrade(self, undone: Undone, ctx: RevisionContext) -> Iterator[Finding]:
        if undone.error is not None:
            head = function_line(parse_module(ctx.source, ctx.revision.path), "downgrade")
            yield self.finding_at(
                ctx.revision,
                undone.line or head,
                f"{undone.error.splitlines()[0].rstrip('.')}.",
                revision=ctx.revision.id,
            )
