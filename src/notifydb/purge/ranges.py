"""The blocks of a table, handed out range by range to whoever asks."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from notifydb.postgres.relations import TableName
from notifydb.purge.events import Batch, Drained, Listener

#: 64 MiB: what a batch reads at most, however few of its rows go.
_LONGEST: Final = 8192
#: How much more than what was wanted a batch may hold from the start.
_SLACK: Final = 1.1
_LEAVES: Final = sa.text(
    """
    SELECT n.nspname, c.relname, pg_relation_size(c.oid) / current_setting('block_size')::int AS blocks
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid IN (SELECT relid FROM pg_partition_tree(to_regclass(:table)) WHERE isleaf)
       OR (c.oid = to_regclass(:table) AND c.relkind = 'r')
    ORDER BY 1, 2
    """
)


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """A table, or a partition of one, with as many `blocks` as it has now."""

    name: TableName
    blocks: int


@dataclasses.dataclass(frozen=True, slots=True)
class Range:
    """Blocks from `first` on, without `end`."""

    leaf: TableName
    first: int
    end: int


def leaves_of(conn: sa.Connection, table: TableName) -> tuple[Leaf, ...]:
    """The table itself, or all partitions that hold its rows."""
    with conn.begin():
        rows = conn.execute(_LEAVES, {"table": table.sql.replace(r"\:", ":")}).all()
    return tuple(Leaf(TableName(schema, name), blocks) for schema, name, blocks in rows)


class Ranges:
    """Ranges that hold about `wanted` rows that go each; it learns from what the last ones held."""

    def __init__(
        self, table: TableName, leaves: Sequence[Leaf], planned: int, wanted: int, tell: Listener
    ) -> None:
        self.table = table
        self._planned = planned
        self._wanted = wanted
        self._tell = tell
        self._left = [leaf for leaf in leaves if leaf.blocks]
        self._total = sum(leaf.blocks for leaf in leaves)
        self._at = 0
        self._out = 0
        self._seen = 0
        self._rows = 0
        self._began: float | None = None
        self._is_told = False
        # Of one size, rather than of the wanted one with a remainder that costs a transaction as well.
        parts = max(1, math.ceil(planned / (wanted * _SLACK)))
        self._length = _within(math.ceil(self._total / parts))
        self._lock = threading.Lock()

    def next(self) -> Range | None:
        """Blocks that nobody was given yet, None where none is left."""
        with self._lock:
            self._began = self._began or time.monotonic()
            part, ended = self._taken(), self._ended()
        if ended is not None:
            self._tell(ended)
        return part

    def done(self, part: Range, rows: int) -> None:
        """The rows of the range that were to go are gone, by a transaction that is committed."""
        with self._lock:
            self._out -= 1
            self._seen += part.end - part.first
            self._rows += rows
            if rows > 2 * self._wanted:
                self._length = _within(self._length // 2)
            elif 2 * rows < self._wanted:
                self._length = _within(self._length * 2)
            seconds = self._seconds
            left = seconds * (self._total - self._seen) / self._seen if self._seen else None
            event = Batch(self.table, rows, self._rows, self._planned, self._rows / seconds, left)
            ended = self._ended()
        self._tell(event)
        if ended is not None:
            self._tell(ended)

    @property
    def rows(self) -> int:
        """How many have gone by now."""
        return self._rows

    @property
    def _seconds(self) -> float:
        """Since the first range was taken."""
        now = time.monotonic()
        return max(now - (self._began or now), 0.001)

    def _taken(self) -> Range | None:
        if not self._left:
            return None
        self._out += 1
        leaf, first = self._left[0], self._at
        self._at = min(first + self._length, leaf.blocks)
        if self._at < leaf.blocks:
            return Range(leaf.name, first, self._at)
        self._left.pop(0)
        self._at = 0
        return Range(leaf.name, first, leaf.blocks)

    def _ended(self) -> Drained | None:
        """What is to be told once, when no range is left and none is being worked on."""
        if self._left or self._out or self._is_told:
            return None
        self._is_told = True
        return Drained(self.table, self._rows, self._seconds)


def _within(blocks: int) -> int:
    return max(1, min(blocks, _LONGEST))
