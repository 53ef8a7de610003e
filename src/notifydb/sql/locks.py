"""The table locks that statements are documented to take, and what waits for them.

Modes and conflicts: Postgres docs section 13.3.1; which command takes which: the same section and the notes
of the command's page, checked against PostgreSQL 15 and 18 by the rules' examples.
"""

from __future__ import annotations

import dataclasses
import enum

from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind, Relation


class LockMode(enum.IntEnum):
    """The table-level lock modes, weakest first."""

    ACCESS_SHARE = 1
    ROW_SHARE = 2
    ROW_EXCLUSIVE = 3
    SHARE_UPDATE_EXCLUSIVE = 4
    SHARE = 5
    SHARE_ROW_EXCLUSIVE = 6
    EXCLUSIVE = 7
    ACCESS_EXCLUSIVE = 8

    @classmethod
    def from_catalog(cls, mode: str) -> LockMode:
        """The mode that `pg_locks` calls `mode`, for example `ShareRowExclusiveLock`."""
        return _BY_CATALOG_NAME[mode.removesuffix("Lock")]

    @property
    def catalog_name(self) -> str:
        """The name as in `pg_locks`, without `Lock`."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    def __str__(self) -> str:
        return self.name.replace("_", " ")

    def conflicts_with(self, other: LockMode) -> bool:
        """Whether one transaction waits while another holds the other mode on the same table."""
        return other in _CONFLICTS[self]

    @property
    def waits(self) -> str:
        """Who has to wait while it is held, as the second half of a sentence."""
        if self is LockMode.ACCESS_EXCLUSIVE:
            return "every read and write of the table waits"
        if self >= LockMode.EXCLUSIVE:
            return "every write and every SELECT FOR UPDATE of the table waits"
        if self >= LockMode.SHARE:
            return "every insert, update and delete on the table waits"
        return "reads and writes go on; other schema changes of the table wait"


_BY_CATALOG_NAME = {mode.catalog_name: mode for mode in LockMode}

_CONFLICTS: dict[LockMode, set[LockMode]] = {
    LockMode.ACCESS_SHARE: {LockMode.ACCESS_EXCLUSIVE},
    LockMode.ROW_SHARE: {LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE},
    LockMode.ROW_EXCLUSIVE: {mode for mode in LockMode if mode >= LockMode.SHARE},
    LockMode.SHARE_UPDATE_EXCLUSIVE: {mode for mode in LockMode if mode >= LockMode.SHARE_UPDATE_EXCLUSIVE},
    LockMode.SHARE: {mode for mode in LockMode if mode >= LockMode.ROW_EXCLUSIVE} - {LockMode.SHARE},
    LockMode.SHARE_ROW_EXCLUSIVE: {mode for mode in LockMode if mode >= LockMode.ROW_EXCLUSIVE},
    LockMode.EXCLUSIVE: {mode for mode in LockMode if mode >= LockMode.ROW_SHARE},
    LockMode.ACCESS_EXCLUSIVE: set(LockMode),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Lock:
    """A lock on a table."""

    relation: Relation
    mode: LockMode


def locks_of(fact: facts.Fact) -> tuple[Lock, ...]:
    """The strongest lock that the fact takes on each table it names, new tables included.

    DROP INDEX is left out: its lock is on the index's table, which the text does not name.
    """
    relation, mode = getattr(fact, "relation", None), _own_mode(fact)
    own = (Lock(relation, mode),) if isinstance(relation, Relation) and mode is not None else ()
    return (*own, *_elsewhere(fact))


_MODES: dict[type, LockMode] = {
    facts.CreateTable: LockMode.ACCESS_EXCLUSIVE,
    facts.DropTable: LockMode.ACCESS_EXCLUSIVE,
    facts.AddColumn: LockMode.ACCESS_EXCLUSIVE,
    facts.DropColumn: LockMode.ACCESS_EXCLUSIVE,
    facts.AlterColumnType: LockMode.ACCESS_EXCLUSIVE,
    facts.SetNotNull: LockMode.ACCESS_EXCLUSIVE,
    facts.DropNotNull: LockMode.ACCESS_EXCLUSIVE,
    facts.SetDefault: LockMode.ACCESS_EXCLUSIVE,
    facts.DropDefault: LockMode.ACCESS_EXCLUSIVE,
    facts.SetExpression: LockMode.ACCESS_EXCLUSIVE,
    facts.DropObject: LockMode.ACCESS_EXCLUSIVE,
    facts.AlterObject: LockMode.ACCESS_EXCLUSIVE,
    facts.ValidateConstraint: LockMode.SHARE_UPDATE_EXCLUSIVE,
    facts.DropConstraint: LockMode.ACCESS_EXCLUSIVE,
    facts.RenameColumn: LockMode.ACCESS_EXCLUSIVE,
    facts.RenameTable: LockMode.ACCESS_EXCLUSIVE,
    facts.AttachPartition: LockMode.SHARE_UPDATE_EXCLUSIVE,
    facts.RewriteTable: LockMode.ACCESS_EXCLUSIVE,
    facts.Trigger: LockMode.SHARE_ROW_EXCLUSIVE,
    facts.Truncate: LockMode.ACCESS_EXCLUSIVE,
    facts.ChangeRows: LockMode.ROW_EXCLUSIVE,
}

#: ALTER TABLE actions that ask for less than ACCESS EXCLUSIVE (ALTER TABLE page, "Description").
_WEAK_ACTIONS = {
    "SetStatistics": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "SetOptions": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "ResetOptions": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "SetRelOptions": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "ResetRelOptions": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "ClusterOn": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "DropCluster": LockMode.SHARE_UPDATE_EXCLUSIVE,
}


def _own_mode(fact: facts.Fact) -> LockMode | None:
    match fact:
        case facts.CreateIndex():
            return LockMode.SHARE_UPDATE_EXCLUSIVE if fact.concurrently else LockMode.SHARE
        case facts.Reindex():
            return LockMode.SHARE_UPDATE_EXCLUSIVE if fact.concurrently else LockMode.SHARE
        case facts.AddConstraint():
            is_foreign = fact.kind is ConstraintKind.FOREIGN_KEY
            return LockMode.SHARE_ROW_EXCLUSIVE if is_foreign else LockMode.ACCESS_EXCLUSIVE
        case facts.DetachPartition():
            return LockMode.SHARE_UPDATE_EXCLUSIVE if fact.concurrently else LockMode.ACCESS_EXCLUSIVE
        case facts.AlterTable():
            return _WEAK_ACTIONS.get(fact.action, LockMode.ACCESS_EXCLUSIVE)
        case facts.CreateObject():
            # A trigger's own fact says what it locks.
            return None if fact.kind == "trigger" else LockMode.ACCESS_EXCLUSIVE
        case facts.LockTable():
            return LockMode(fact.mode)
        case _:
            return _MODES.get(type(fact))


def _elsewhere(fact: facts.Fact) -> tuple[Lock, ...]:
    """Locks on tables that the statement only mentions."""
    match fact:
        case facts.AddConstraint(references=Relation() as referenced):
            return (Lock(referenced, LockMode.SHARE_ROW_EXCLUSIVE),)
        case facts.AddColumn(references=Relation() as referenced):
            return (Lock(referenced, LockMode.SHARE_ROW_EXCLUSIVE),)
        case facts.CreateTable():
            keys = tuple(Lock(table, LockMode.SHARE_ROW_EXCLUSIVE) for table in fact.references)
            parent = fact.partition_of
            return (*keys, Lock(parent, LockMode.ACCESS_EXCLUSIVE)) if parent else keys
        case facts.AttachPartition() | facts.DetachPartition():
            return (Lock(fact.partition, LockMode.ACCESS_EXCLUSIVE),)
        case _:
            return ()
