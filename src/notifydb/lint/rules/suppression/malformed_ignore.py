"""Finds suppressions that cannot be understood."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from notifydb.findings import Finding
from notifydb.lint.context import RevisionContext
from notifydb.lint.example import Example
from notifydb.lint.registry import did_you_mean
from notifydb.lint.rule import Rule
from notifydb.lint.suppress import Ignore


class MalformedIgnore(Rule):
    """An ignore that silences nothing because it is misspelt.

    It names no rule or one that there is not, its last day is no date or stands after `because`, or it is
    meant for the whole file and does not stand at its top.
    """

    name = "malformed-ignore"
    family = "suppression"
    help = """
        # notifydb: ignore[rule-or-family] because ...
        # notifydb: ignore[rule-or-family] until 2026-12-31 because ...
        # notifydb: ignore-file[rule-or-family] because ...
    """
    bad = (
        Example("""
            # notifydb: ignore[drop-colum] because nobody reads it
            op.add_column("users", sa.Column("nickname", sa.Text))
            """),
        Example("""
            # notifydb: ignore[drop-column] until next friday because nobody reads it
            op.add_column("users", sa.Column("nickname", sa.Text))
            """),
    )
    good = (
        Example("""
            # notifydb: ignore[drop-column, locking] until 2999-12-31 because nobody reads it
            op.drop_column("users", "logins")
            """),
    )

    def check_ignores(self, ignores: Sequence[Ignore], ctx: RevisionContext) -> Iterator[Finding]:
        for ignore in ignores:
            unknown = [name for name in ignore.mark.rules if name not in ctx.known_rules]
            if ignore.mark.problem is not None:
                message = f"This ignore {ignore.mark.problem}, so it silences nothing."
            elif unknown:
                hint = did_you_mean(unknown, ctx.known_rules)
                message = f"There is no rule or family {', '.join(unknown)}: {hint}"
            else:
                continue
            yield self.finding_at(ctx.revision, ignore.line, message)
