"""Executes a plan: what is large in committed batches, the rest in one last transaction."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from notifydb import errors
from notifydb.guard import Operation, Permit
from notifydb.postgres import failures, own
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.connect import own_engine
from notifydb.purge.drain import Drain, Work
from notifydb.purge.events import Archiving, Committed, Listener, Waiting
from notifydb.purge.helpful import Helper
from notifydb.purge.planned import Plan
from notifydb.purge.record import Record
from notifydb.purge.retrying import terms_of
from notifydb.purge.seal import Sealed, seal
from notifydb.purge.session import session, transaction


@dataclasses.dataclass(frozen=True, slots=True)
class How:
    """`archive` is the folder in which the purge makes the one of its archive, None for no archive.

    With `exact`, the plan's id binds: no row more or less may be there when it begins. `lock_wait` are the
    seconds to wait for another notifydb.
    """

    archive: Path | None
    exact: bool = False
    lock_wait: float = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted, by table in the order of deletion; `detached` rows stay and have let go.

    `archive` is the folder that has all of it.
    """

    plan_id: str
    rows: int
    tables: tuple[tuple[str, int], ...]
    detached: tuple[tuple[str, int], ...]
    archive: Path | None
    seconds: float


def execute(url: str, permit: Permit, plan: Plan, how: How, *, listen: Listener | None = None) -> Purged:
    """Deletes what the plan says, and what the chosen rows own by then.

    Raises Refused when the plan is blocked, when other users or rules would be purged than planned, or when the
    database says that it is something stricter than the permit; ProofFailed when more or less would have
    happened; LockNotAvailable, Unavailable and DatabaseUnreachable when it can be run again, and then goes on
    from where it was.
    """
    began, tell = time.monotonic(), listen or (lambda _: None)
    permit.require(Operation.PURGE, permit.database)
    plan.require_unblocked()
    if plan.is_idle:
        return Purged(plan.id, 0, (), (), None, 0)
    engine = own_engine(url)
    with (
        # The first to ask gets the session that has planned, which has seen all the tables.
        session(engine, plan.settings.lock_timeout) as conn,
        advisory_lock(url, wait=how.lock_wait, waiting=lambda holder: tell(Waiting(holder))) as still_ours,
        _recorded(conn, permit, plan, how, tell) as record,
        _helped(engine, plan, tell) as helper,
    ):
        terms = terms_of(plan.settings)
        ends = began + terms.deadline
        work = Work(engine, permit, plan, record, terms, tell, still_ours, ends)
        drained = Drain(work).run(conn, helper, exact=how.exact) if plan.strategy.levels else {}
        helper.build(plan.strategy.indexes)
        sealed = _seal(conn, work, drained, exact=how.exact and not plan.strategy.levels)
        purged = _purged(plan, record, drained, sealed, time.monotonic() - began)
        record.finished(purged.rows)
    tell(Committed(purged.rows, purged.seconds))
    return purged


@contextmanager
def _recorded(conn: sa.Connection, permit: Permit, plan: Plan, how: How, tell: Listener) -> Iterator[Record]:
    """The journal knows the purge before it deletes anything, so that one which is killed is seen."""
    record = Record(plan, how.archive)
    with transaction(conn, "READ COMMITTED"):
        own.check_still(conn, permit)
        record.begin(conn)
    if record.folder is not None:
        tell(Archiving(str(record.folder)))
    try:
        yield record
    except BaseException:
        # Where the connection is gone, nobody can say; what was begun is then seen by the next plan.
        with suppress(errors.NotifydbError), failures.translated():
            record.given_up(conn)
        raise


@contextmanager
def _helped(engine: sa.Engine, plan: Plan, tell: Listener) -> Iterator[Helper]:
    """Indexes are dropped again, whatever happens; those of a killed purge, too."""
    with ExitStack() as stack:
        helper = Helper(engine, stack, tell, plan.left_over, deadline=plan.settings.deadline)
        try:
            yield helper
        finally:
            if plan.strategy.indexes or plan.left_over:
                helper.drop_all()


def _seal(conn: sa.Connection, work: Work, drained: Mapping[str, int], *, exact: bool) -> Sealed:
    def attempt() -> Sealed:
        work.still_ours()
        return seal(conn, work.permit, work.plan, work.record, work.tell, exact=exact, drained=drained)

    return work.patiently(attempt)


def _purged(plan: Plan, record: Record, drained: Mapping[str, int], sealed: Sealed, seconds: float) -> Purged:
    rows = {**drained}
    for name, count in sealed.tables:
        rows[name] = rows.get(name, 0) + count
    tables = tuple(rows.items())
    return Purged(plan.id, sum(rows.values()), tables, sealed.detached, record.folder, seconds)
