"""What the shadow database saw one statement do, as the difference of two snapshots."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from notifydb.findings import LockTaken
from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode

if TYPE_CHECKING:
    from notifydb.lint.snapshot import Entry, Snapshot

Key = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class TracedLock:
    """A lock on a table or index that existed before the migration."""

    relation: Relation
    mode: LockMode
    is_index: bool = False

    def as_finding(self) -> LockTaken:
        return LockTaken(str(self.relation), self.mode.catalog_name)


@dataclasses.dataclass(frozen=True, slots=True)
class Failure:
    """Why a statement failed; `with_rows_only` when it ran well in the state without synthetic rows.

    `survived` when the migration went on after it, as it may have meant to.
    """

    message: str
    sqlstate: str | None
    with_rows_only: bool = False
    survived: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Sample:
    """How long the statement took with many rows, and with none; what the tables held, by schema and name."""

    duration_ms: float
    empty_ms: float
    rows: Mapping[tuple[str, str], int]
    bytes: Mapping[tuple[str, str], int]


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """Everything here is about relations that existed before the migration; what it made itself is new.

    `locks` were taken by this statement, `held` are all that its transaction holds after it; the strongest
    mode for each relation. `scanned` and `changed` (updated or deleted) count rows per table
    (`pg_stat_xact_user_tables`;
    index builds, validation and rewrites count there too, measured on PostgreSQL 15 and 18). None means
    that the server does not tell. `rows` are the rows that were in the tables before. `sampled` locks were
    polled from a second connection while a statement ran outside of a transaction: a short one can be
    missed. `parents` names for each partition what it is a part of: its counts are those of the whole, too.
    `filled` tells whether the tables had been given rows. `sample` is there
    where the table is known to be large in production.
    """

    locks: tuple[TracedLock, ...] = ()
    held: tuple[TracedLock, ...] = ()
    scanned: Mapping[Relation, int] | None = dataclasses.field(default_factory=dict)
    changed: Mapping[Relation, int] | None = dataclasses.field(default_factory=dict)
    rewritten: tuple[Relation, ...] = ()
    dropped: tuple[Relation, ...] = ()
    invalid_indexes: tuple[Relation, ...] = ()
    parents: Mapping[Key, Key] = dataclasses.field(default_factory=dict)
    rows: Mapping[Key, int] = dataclasses.field(default_factory=dict)
    duration_ms: float = 0.0
    wal_bytes: int = 0
    lock_timeout: str = "0"
    sampled: bool = False
    filled: bool = False
    sample: Sample | None = None

    def lock_on(self, relation: Relation) -> LockMode | None:
        """The strongest lock that this statement took or found held on the relation."""
        modes = [lock.mode for lock in (*self.locks, *self.held) if lock.relation.key == relation.key]
        return max(modes, default=None)

    def scanned_on(self, relation: Relation) -> int | None:
        return self._sum(self.scanned, relation)

    def changed_on(self, relation: Relation) -> int | None:
        return self._sum(self.changed, relation)

    def is_rewritten(self, relation: Relation) -> bool:
        return any(self._belongs(each, relation) for each in self.rewritten)

    @property
    def worked_on(self) -> tuple[Relation, ...]:
        """The tables whose rows it read, changed or wrote anew; partitions count as their table."""
        found = (*(self.scanned or ()), *(self.changed or ()), *self.rewritten)
        return tuple(dict.fromkeys(map(self.whole, found)))

    def whole(self, relation: Relation) -> Relation:
        """The table that it is a partition of, at any depth; or itself."""
        while relation.key in self.parents:
            schema, name = self.parents[relation.key]
            relation = Relation(name, schema)
        return relation

    def rows_of(self, relation: Relation) -> int | None:
        """The rows that the shadow had in the table before the migration; None if nobody counted."""
        return self.rows.get(relation.key)

    def _sum(self, counts: Mapping[Relation, int] | None, relation: Relation) -> int | None:
        if counts is None:
            return None
        return sum(count for each, count in counts.items() if self._belongs(each, relation))

    def _belongs(self, each: Relation, relation: Relation) -> bool:
        """Whether it is the relation, or a partition of it at any depth."""
        key: Key | None = each.key
        while key is not None and key != relation.key:
            key = self.parents.get(key)
        return key is not None


def compare(
    initial: Snapshot,
    before: Snapshot,
    after: Snapshot,
    rewritten: Collection[int],
    sampled: Mapping[int, LockMode] | None = None,
) -> Trace:
    """The trace between two snapshots; `initial` was taken before the migration and says what existed.

    Where both are of one transaction, statistics and locks are differences; otherwise `after` counts whole,
    and `sampled` are the locks (relation's oid to mode) that were seen meanwhile. `rewritten` are those of
    the `renewed` that are not empty.
    """
    existing = initial.relations
    taken = sampled
    if taken is None:
        taken = {oid: mode for oid, mode in after.locks.items() if mode > before.locks.get(oid, 0)}
    return Trace(
        locks=_traced(taken, existing),
        held=_traced(after.locks, existing),
        scanned=_difference(existing, before.scanned, after.scanned),
        changed=_difference(existing, before.changed, after.changed),
        rewritten=tuple(existing[oid].relation for oid in rewritten if oid in existing),
        dropped=tuple(
            entry.relation
            for oid, entry in existing.items()
            if not entry.is_index and oid in before.relations and oid not in after.relations
        ),
        invalid_indexes=tuple(
            entry.relation
            for oid, entry in after.relations.items()
            if not entry.valid and (oid not in before.relations or before.relations[oid].valid)
        ),
        parents={
            entry.relation.key: existing[entry.parent].relation.key
            for entry in existing.values()
            if entry.parent is not None and entry.parent in existing
        },
        wal_bytes=after.wal - before.wal,
        lock_timeout=before.lock_timeout,
        sampled=sampled is not None,
    )


def _traced(locks: Mapping[int, LockMode], existing: Mapping[int, Entry]) -> tuple[TracedLock, ...]:
    found = [
        TracedLock(existing[oid].relation, mode, existing[oid].is_index)
        for oid, mode in locks.items()
        if oid in existing
    ]
    return tuple(sorted(found, key=lambda lock: (-lock.mode, lock.is_index, str(lock.relation))))


def _difference(
    existing: Mapping[int, Entry], before: Mapping[int, int] | None, after: Mapping[int, int] | None
) -> Mapping[Relation, int] | None:
    if before is None or after is None:
        return None
    counts = {oid: count - before.get(oid, 0) for oid, count in after.items() if oid in existing}
    return {existing[oid].relation: count for oid, count in counts.items() if count > 0}


def renewed(before: Snapshot, after: Snapshot) -> list[int]:
    """Tables whose storage was made anew; TRUNCATE also does that, but leaves it empty."""
    return [
        oid
        for oid, old in before.relations.items()
        if not old.is_index and oid in after.relations and old.filenode != after.relations[oid].filenode
    ]
