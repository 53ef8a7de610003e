"""Large tables go beforehand, in committed batches: ranges of blocks, with the condition checked again in each.

Nothing refers to a row that goes here, or not any more: a level is done before the next begins. Killed at any
point, it leaves whole users and services with fewer of their rows, and the next run goes on.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

import sqlalchemy as sa

from notifydb import errors
from notifydb.guard import Permit
from notifydb.postgres import own
from notifydb.postgres.advisory import StillOurs
from notifydb.postgres.connect import driver_of
from notifydb.postgres.patience import Terms
from notifydb.postgres.relations import Table, TableName
from notifydb.purge.closure import Closure
from notifydb.purge.events import Listener
from notifydb.purge.helpful import Helper
from notifydb.purge.onlooker import Onlooker
from notifydb.purge.pace import Pace
from notifydb.purge.planned import Plan
from notifydb.purge.ranges import Ranges, leaves_of
from notifydb.purge.record import Record
from notifydb.purge.relation import Policy
from notifydb.purge.retrying import Found, patiently
from notifydb.purge.seal import require_same
from notifydb.purge.session import PURGE, StillReferred, session, transaction
from notifydb.purge.survey import survey


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What a purge is done with; `still_ours` raises where the lock that keeps others out is lost.

    `ends` is when it comes back no more, by the monotonic clock.
    """

    engine: sa.Engine
    permit: Permit
    plan: Plan
    record: Record
    terms: Terms
    tell: Listener
    still_ours: StillOurs
    ends: float

    def patiently(self, attempt: Callable[[], Found], stop: threading.Event | None = None) -> Found:
        """What `attempt` returns, tried again as long as is left of the deadline; raises what it raises."""
        left = dataclasses.replace(self.terms, deadline=max(self.ends - time.monotonic(), 0))
        onlooker = Onlooker(self.engine, PURGE, left.lock_timeout)
        return patiently(attempt, left, self.tell, onlooker, stop)


class Drain:
    """The batches of one purge, over as many sessions as the settings say."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.plan = work.plan
        self.stop = threading.Event()
        self.pace = Pace(work.plan.settings.max_rate, work.plan.settings.max_lag, work.tell)

    def run(self, conn: sa.Connection, helper: Helper, *, exact: bool) -> Mapping[str, int]:
        """The rows that were deleted, by table. Raises as a seal does, and Refused when what was chosen changes.

        `conn` is one of the sessions, and is left as it was.
        """
        rows: dict[str, int] = {}
        strategy = self.plan.strategy
        with ExitStack() as stack:
            others = [
                stack.enter_context(session(self.work.engine, self.work.terms.lock_timeout))
                for _ in range(self.plan.settings.jobs - 1)
            ]
            workers = self._workers([conn, *others], exact=exact)
            for level in strategy.levels:
                helper.build(strategy.indexes_for(level))
                workers[0].require_unchanged()
                rows |= self._drain(level, workers)
                for name in level:
                    if name in strategy.vacuumed:
                        helper.vacuum(name)
            workers[0].retire()
        return {name: count for name, count in rows.items() if count}

    def _workers(self, sessions: list[sa.Connection], *, exact: bool) -> list[_Worker]:
        """All of them look at one snapshot, so that they are of one mind about who goes."""
        first = sessions[0]
        settings, prefix = self.plan.settings, self.plan.prefix
        if exact:
            with transaction(first, "REPEATABLE READ") as begun:
                found = survey(
                    first, settings, prefix, lock=False, reading=lambda _: None, known=self.plan.scene.proofs
                )
                require_same(self.plan, found.plan, exact=True)
                begun.rollback()
        with transaction(first, "REPEATABLE READ"):
            own.check_still(first, self.work.permit)
            snapshot = str(first.scalar(sa.text("SELECT pg_export_snapshot()")))
            workers = [_Worker(self, number, conn) for number, conn in enumerate(sessions)]
            self._together(
                [workers[0].find, *(partial(worker.find_in, snapshot) for worker in workers[1:])], workers
            )
            for name in self.plan.strategy.batched:
                workers[0].rehearse(name)
            if workers[0].closure.chosen() != self.plan.chosen:
                raise errors.Refused(
                    "the purge is refused: the database has changed since it was planned",
                    reasons=("other rows would be chosen now",),
                    hint="plan again",
                )
        return workers

    def _drain(self, level: Collection[TableName], workers: list[_Worker]) -> Mapping[str, int]:
        """Whoever has no range of one table left to take goes on with the next."""
        planned = {table.table: table.rows for table in self.plan.tables}
        wanted, tell = self.plan.settings.batch_rows, self.work.tell
        leaves = {name: leaves_of(workers[0].conn, name) for name in level}
        tables = [Ranges(name, leaves[name], planned[name], wanted, tell) for name in level]
        self._together([partial(worker.drain, tables) for worker in workers], workers)
        return {str(ranges.table): ranges.rows for ranges in tables}

    def _together(self, calls: Sequence[Callable[[], None]], workers: Sequence[_Worker]) -> None:
        """Each in a thread of its own; the first one that fails stops the others."""
        failed: list[BaseException] = []

        def work(call: Callable[[], None]) -> None:
            try:
                call()
            except BaseException as error:
                failed.append(error)
                self.stop.set()

        threads = [threading.Thread(target=work, args=(call,), daemon=True) for call in calls]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                while thread.is_alive():
                    thread.join(0.1)
        except BaseException:
            self.stop.set()
            for worker in workers:
                driver_of(worker.conn).cancel()
            for thread in threads:
                thread.join(1)
            raise
        if failed:
            raise failed[0]


class _Worker:
    """One session, with the keys of what was chosen in its temporary tables."""

    def __init__(self, drain: Drain, number: int, conn: sa.Connection) -> None:
        self.work = drain.work
        self.stop = drain.stop
        self.pace = drain.pace
        self.number = number
        self.conn = conn
        self.scene = drain.plan.scene
        self.closure: Closure = self.scene.closure_for(conn, drain.plan.strategy.batched)

    def find(self) -> None:
        """Writes down who goes, in the transaction that the session is in."""
        self.closure.find()
        # The checks of deleted parents are planned in this session, while their children may be small; they grow.
        self.conn.exec_driver_sql("SET enable_seqscan = off")

    def find_in(self, snapshot: str) -> None:
        """The same, as another session's snapshot shows it."""
        with transaction(self.conn, "REPEATABLE READ"):
            self.conn.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
            self.find()

    def rehearse(self, name: TableName) -> None:
        """Asks for no rows of the table: where a migration has taken away what the plan knew, nothing is deleted."""
        self.conn.execute(sa.text(f"SELECT FROM {name.sql} t WHERE {self._condition(name)} LIMIT 0"))

    def retire(self) -> None:
        """Leaves its session to others."""
        with self.conn.begin():
            self.closure.drop()
            self.conn.exec_driver_sql("RESET enable_seqscan")

    def require_unchanged(self) -> None:
        """Raises Refused when the users or services would be chosen otherwise by now."""
        with transaction(self.conn, "READ COMMITTED"):
            if self.closure.chosen_now() != self.closure.chosen():
                raise errors.Refused(
                    "the purge is refused: the database changes while it is looked at",
                    reasons=("the matched users or their services are not those that were planned any more",),
                    hint="plan again; `notifydb restore` puts back what was deleted by now",
                )

    def drain(self, tables: Sequence[Ranges]) -> None:
        """Deletes range after range, until none is left or somebody says stop."""
        for ranges in tables:
            self._drain(ranges)

    def _drain(self, ranges: Ranges) -> None:
        table, condition = self.scene.catalog.tables[ranges.table], self._condition(ranges.table)
        while not self.stop.is_set() and (part := ranges.next()) is not None:
            where = f"t.ctid >= '({part.first},0)' AND t.ctid < '({part.end},0)' AND {condition}"
            batch = partial(self._batch, table, where, f"ONLY {part.leaf.sql}")
            rows = self.work.patiently(batch, self.stop)
            ranges.done(part, rows)
            self.pace.keep(self.conn, rows, self.stop)

    def _condition(self, name: TableName) -> str:
        """The row `t` goes, and nothing that no foreign key tells of has come to refer to it; that goes at the end."""
        late = (
            f" AND NOT {relation.is_referred_to()}"
            for relation in self.scene.graph.relations
            if relation.parent == name and relation.policy is Policy.FOLLOW and relation.foreign_key is None
        )
        return f"({self.closure.condition(name)}){''.join(late)}"

    def _batch(self, table: Table, where: str, source: str) -> int:
        """One committed batch; 0 where something new refers to its rows, which then go with the rest."""
        self.work.still_ours()
        try:
            with (
                self.work.record.taking(self.conn, self.number) as taker,
                transaction(self.conn, "READ COMMITTED"),
            ):
                own.check_still(self.conn, self.work.permit)
                rows = taker.delete(table, where, source)
                taker.close_books()
        except StillReferred:
            return 0
        return rows
