"""What the text of a statement tells of it: whether it ends a transaction, or cannot run in one.

It takes the parser, which most migrations can do without; so it is loaded for those that cannot.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

from notifydb.sql import facts
from notifydb.sql.builds import Build, concurrent_build
from notifydb.sql.names import Relation
from notifydb.sql.parse import parse

#: Further commands that Postgres refuses in a transaction, by the parser's names.
_OUTSIDE_ONLY: Final = (
    "discard_stmt", "create_subscription_stmt", "alter_subscription_stmt", "drop_subscription_stmt",
)  # fmt: skip
#: Commands that Postgres refuses in a transaction, and that lose nothing.
_HARMLESS: Final = ("VACUUM", "CLUSTER of all tables", "REINDEX of a whole schema or database")


class Text:
    """What is sent in one go, perhaps several statements."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._count = len(parsed := parse(sql))
        self._facts = [fact for each in parsed for fact in each.facts]

    @property
    def commits(self) -> bool:
        return facts.Transaction("commit") in self._facts

    @property
    def rolls_back(self) -> bool:
        return facts.Transaction("rollback") in self._facts

    @property
    def begins(self) -> bool:
        return facts.Transaction("begin") in self._facts

    @property
    def rolls_back_to_a_savepoint(self) -> bool:
        return facts.Transaction("savepoint") in self._facts and "rollback" in self._sql.lower()

    @property
    def ends_in_the_middle(self) -> bool:
        """Whether a string of several statements ends a transaction: what comes after it is committed by itself."""
        return self._count > 1 and (self.commits or self.rolls_back)

    @property
    def truncated(self) -> list[str]:
        """The tables that it says it empties."""
        return [str(fact.relation) for fact in self._facts if isinstance(fact, facts.Truncate)]

    @property
    def may_commit_by_itself(self) -> bool:
        """Whether it is a DO block or calls a procedure, which may do so where it runs outside of a transaction."""
        return any(isinstance(fact, facts.Opaque) for fact in self._facts)

    @property
    def irrevocable(self) -> list[str]:
        """Its commands that no transaction takes back, and that may lose something."""
        found = (fact.command for fact in self._facts if isinstance(fact, facts.OutsideOnly))
        return [command for command in found if command not in _HARMLESS]

    @property
    def runs_bare(self) -> bool:
        """Whether it has to run outside of a transaction, sets what outlives one, or may end one itself."""
        if any(isinstance(fact, facts.OutsideOnly | facts.Opaque) for fact in self._facts):
            return True
        if any(isinstance(fact, facts.Other) and fact.node in _OUTSIDE_ONLY for fact in self._facts):
            return True
        return bool(self._facts) and all(map(_is_bare, self._facts))

    @property
    def tells_by_itself(self) -> bool:
        """Whether it may simply be sent again where nobody knows how it ended."""
        return all(map(_tells_by_itself, self._facts))

    @property
    def fails_as_a_whole(self) -> bool:
        """Whether, outside of a transaction, nothing is left of it that matters where the server refuses it."""
        return self._count == 1 and any(isinstance(fact, facts.OutsideOnly) for fact in self._facts)

    @cached_property
    def build(self) -> Build | None:
        """The index that it builds concurrently."""
        return concurrent_build(self._sql)

    @property
    def dropped(self) -> Relation | None:
        """The index that it drops, where that is the first that it does."""
        first = self._facts[0]
        return first.index if isinstance(first, facts.DropIndex) else None

    @property
    def rebuilt(self) -> Relation | None:
        """What it reindexes, where that is the first that it does."""
        first = self._facts[0]
        return first.relation if isinstance(first, facts.Reindex) else None


def _is_bare(fact: facts.Fact) -> bool:
    match fact:
        case facts.CreateIndex() | facts.DropIndex() | facts.Reindex() | facts.DetachPartition():
            return fact.concurrently
        case facts.RewriteTable(command="CLUSTER") | facts.SetVariable() | facts.Transaction():
            return True
        case _:
            return False


def _tells_by_itself(fact: facts.Fact) -> bool:
    match fact:
        case facts.CreateIndex():
            return fact.index is not None
        case facts.OutsideOnly():
            return fact.command == "VACUUM"
        case facts.DropIndex() | facts.DetachPartition() | facts.Opaque():
            return False
        case _:
            return True
