"""Executes a plan in one transaction: lock, plan again, delete, prove, record, commit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from typing import Final

import sqlalchemy as sa

from notifydb import errors
from notifydb.guard import Operation, Permit
from notifydb.postgres import ledger, own
from notifydb.postgres.relations import TableName, quoted
from notifydb.purge.closure import Closure
from notifydb.purge.events import Committed, Deleted, Deleting, Detached, Listener, Proved, Reading
from notifydb.purge.order import deletion_order
from notifydb.purge.planned import Plan
from notifydb.purge.prove import Touched, prove, touched
from notifydb.purge.relation import Policy, Relation
from notifydb.purge.session import transaction
from notifydb.purge.survey import survey
from notifydb.settings.environment import strictest

LOCK_TIMEOUT: Final = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted, by table in the order of deletion; `detached` rows stay and have let go."""

    plan_id: str
    rows: int
    tables: tuple[tuple[str, int], ...]
    detached: tuple[tuple[str, int], ...]
    seconds: float


def execute(
    conn: sa.Connection,
    permit: Permit,
    plan: Plan,
    *,
    listen: Listener | None = None,
    lock_timeout: float = LOCK_TIMEOUT,
) -> Purged:
    """Deletes what the plan says, or nothing at all; `lock_timeout` is in seconds, for each lock.

    `conn` must have no open transaction. Raises Refused when the plan is blocked, when the database no longer
    looks as it was planned or says that it is something stricter than the permit; ProofFailed when more or
    less would have happened; LockNotAvailable, Unavailable and DatabaseUnreachable when it can be run again.
    """
    began = time.monotonic()
    tell = listen or (lambda _: None)
    with transaction(conn, "READ COMMITTED"):
        database = str(conn.scalar(sa.text("SELECT current_database()")))
        permit.require(Operation.PURGE, database)
        plan.require_unblocked()
        run = _Run(conn, permit, plan, tell)
        run.prepare(lock_timeout)
        purged = run.purge()
        own.install(conn)
        ledger.record(conn, _entry(plan, purged))
    tell(Committed(purged.rows, time.monotonic() - began))
    return purged


class _Run:
    """One execution, inside its transaction."""

    def __init__(self, conn: sa.Connection, permit: Permit, plan: Plan, tell: Listener) -> None:
        self.conn = conn
        self.permit = permit
        self.plan = plan
        self.tell = tell
        self.began = time.monotonic()

    def prepare(self, lock_timeout: float) -> None:
        """Makes what follows bounded, and checks of foreign keys wait until all of it is done."""
        self.conn.execute(sa.text(f"SET LOCAL lock_timeout = {round(lock_timeout * 1000)}"))
        self.conn.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))

    def purge(self) -> Purged:
        before = touched(self.conn)
        closure = self._plan_again()
        detached = tuple(self._detach(closure))
        deleted = tuple(self._delete(closure))
        self.conn.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        self._prove(closure, before)
        return Purged(
            self.plan.id, sum(rows for _, rows in deleted), deleted, detached, time.monotonic() - self.began
        )

    def _plan_again(self) -> Closure:
        """The same plan, from rows that are locked now; raises Refused when it is another one."""
        found = survey(
            self.conn,
            self.plan.settings,
            self.plan.prefix,
            lock=True,
            reading=lambda table: self.tell(Reading(table)),
        )
        self._check_mark()
        if found.plan.id != self.plan.id:
            raise errors.Refused(
                "the purge is refused: the database has changed since it was planned",
                reasons=tuple(_changes(self.plan, found.plan)),
                hint="plan again",
            )
        return found.closure

    def _check_mark(self) -> None:
        """The mark may have been changed while the permit was in somebody's hand."""
        voice = own.read_mark(self.conn).voice()
        environment = self.permit.environment
        if voice is not None and strictest((voice,)).strictness > environment.strictness:
            raise errors.Refused(
                "the purge is refused: the database now says that it is something else",
                reasons=(f"the permit is for {environment}, {voice.source} says {voice.environment}",),
            )

    def _detach(self, closure: Closure) -> Iterator[tuple[str, int]]:
        planned = {found.relation: found for found in self.plan.standing}
        for relation in closure.graph.relations:
            found = planned.get(str(relation))
            if found is None or relation.policy not in (Policy.NULL, Policy.SERVER):
                continue
            rows = self._null(closure, relation) if relation.policy is Policy.NULL else found.rows
            self.tell(Detached(str(relation), rows))
            yield str(relation), rows

    def _null(self, closure: Closure, relation: Relation) -> int:
        columns = ", ".join(f"{quoted(column)} = NULL" for column in relation.nullable)
        return self.conn.execute(
            sa.text(
                f"UPDATE {relation.child.sql} t SET {columns}"  # noqa: S608
                f" WHERE {closure.refers(relation)} AND {closure.stays(relation.child)}"
            )
        ).rowcount

    def _delete(self, closure: Closure) -> Iterator[tuple[str, int]]:
        planned = {table.table: table.rows for table in self.plan.tables}
        for component in deletion_order(closure.catalog, list(planned)):
            for name in component:
                self.tell(Deleting(name, planned[name]))
            began = time.monotonic()
            counts = self._delete_together(closure, component)
            for name, rows in zip(component, counts, strict=True):
                self.tell(Deleted(name, rows, time.monotonic() - began))
                yield str(name), rows

    def _delete_together(self, closure: Closure, component: tuple[TableName, ...]) -> tuple[int, ...]:
        """One statement: keys among tables that refer to each other are checked when all of it is gone."""
        deletes = [f"DELETE FROM {name.sql} t WHERE {closure.condition(name)}" for name in component]  # noqa: S608
        if len(deletes) == 1:
            return (self.conn.execute(sa.text(deletes[0])).rowcount,)
        steps = ", ".join(f"d{number} AS ({delete} RETURNING 1)" for number, delete in enumerate(deletes))
        counts = ", ".join(f"(SELECT count(*) FROM d{number})" for number in range(len(deletes)))  # noqa: S608
        return tuple(self.conn.execute(sa.text(f"WITH {steps} SELECT {counts}")).one())

    def _prove(self, closure: Closure, before: Mapping[TableName, Touched]) -> None:
        began = time.monotonic()
        tables = prove(closure, self.plan, before)
        self.tell(Proved(tables, time.monotonic() - began))


def _changes(planned: Plan, found: Plan) -> Iterator[str]:
    """In what the two differ, as far as counts tell."""
    before = {table.table: table.rows for table in planned.tables}
    after = {table.table: table.rows for table in found.tables}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name, 0) != after.get(name, 0):
            yield f"{name}: {before.get(name, 0):,} rows were planned, {after.get(name, 0):,} are found"
    yield from (reason for reason in found.blockers if reason not in planned.blockers)
    yield f"plan {planned.id} is now plan {found.id}"


def _entry(plan: Plan, purged: Purged) -> ledger.Entry:
    details = {
        "plan": plan.id,
        "prefix": plan.prefix,
        "matched": plan.matched,
        "rows": purged.rows,
        "tables": dict(purged.tables),
        "detached": dict(purged.detached),
    }
    return ledger.Entry("purge", None, "done", purged.seconds, details=details)
