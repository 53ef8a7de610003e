"""What a revision sends, in order, and found by what it does: a script may hold ten thousand statements."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

from notifydb.lint.statement import Statement
from notifydb.sql.facts import Fact

AnyFact = TypeVar("AnyFact", bound=Fact)


class Sent(Sequence[Statement]):
    """The statements of one revision or script."""

    def __init__(self, statements: Sequence[Statement] = ()) -> None:
        self._statements = tuple(statements)
        self._by_kind: dict[type, list[tuple[Statement, Fact]]] = defaultdict(list)
        self._by_transaction: dict[int | None, list[Statement]] = defaultdict(list)
        for each in self._statements:
            self._by_transaction[each.execution.transaction].append(each)
            for fact in each.facts:
                self._by_kind[type(fact)].append((each, fact))

    @overload
    def __getitem__(self, index: int) -> Statement: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Statement, ...]: ...
    def __getitem__(self, index: int | slice) -> Statement | tuple[Statement, ...]:
        return self._statements[index]

    def __len__(self) -> int:
        return len(self._statements)

    def facts_before(
        self, statement: Statement, *kinds: type[AnyFact]
    ) -> Iterator[tuple[Statement, AnyFact]]:
        """The facts of these kinds of the statements before it, in order, each with its own statement."""
        for each, fact in heapq.merge(*(self._by_kind.get(kind, []) for kind in kinds), key=_place):
            if each.index >= statement.index:
                return
            assert isinstance(fact, kinds)
            yield each, fact

    def of_transaction(self, transaction: int) -> Sequence[Statement]:
        """The statements of one transaction, in order."""
        return self._by_transaction.get(transaction, [])


def _place(entry: tuple[Statement, Fact]) -> int:
    return entry[0].index
