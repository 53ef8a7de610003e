"""Runs upgrades and downgrades: one runner at a time, each step recorded with its stamp."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb import errors, guard
from notifydb.guard import Operation, Permit, Request
from notifydb.migrator.config import Project
from notifydb.migrator.events import Applied, Event
from notifydb.postgres import failures, ledger, own, version
from notifydb.postgres.advisory import StillOurs, advisory_lock
from notifydb.postgres.connect import driver_of, make_engine, own_engine
from notifydb.postgres.endpoint import check_endpoint
from notifydb.postgres.patience import Terms
from notifydb.revisions import naming
from notifydb.revisions.graph import History, Revision
from notifydb.runner import rescue
from notifydb.runner.events import Listener, Replaced, Unmarked, Waiting
from notifydb.runner.journal import parts_of
from notifydb.runner.plan import Plan, is_backwards, plan_downgrade, plan_upgrade
from notifydb.runner.records import Deployed, Records
from notifydb.settings.environment import Environment


@dataclasses.dataclass(frozen=True, slots=True)
class Runner:
    """Changes one database along one history; `lock_wait` is in seconds.

    `destruction` is what the guard is asked when an upgrade takes something away. `is_shared` tells whether
    the main branch has a revision: of those that only this branch has, the source is kept as they are applied.
    `shared` gives the main branch's file of an id, where it has one. `terms` are the policy towards others'
    locks, `deployed` tells what the migrations came with, and `from_start` runs what was left half done from its
    beginning.
    """

    url: str
    project: Project
    history: History
    destruction: Request
    lock_wait: float = 60
    listen: Listener = lambda _: None
    is_shared: Callable[[Revision], bool] = lambda _: True
    shared: Callable[[str], bytes | None] = lambda _: None
    terms: Terms = dataclasses.field(default_factory=Terms)
    deployed: Callable[[], Deployed] = Deployed
    from_start: bool = False

    def current(self) -> tuple[str, ...]:
        """What the database holds; raises DatabaseUnreachable, ConfigurationError."""
        with failures.translated(), own_engine(self.url).connect() as conn:
            return version.current(conn)

    def standing(self) -> rescue.Standing:
        """What the database holds beside the folder; raises as `current` does."""
        with failures.translated(), own_engine(self.url).connect() as conn:
            current, applied, planned, hashes, parts = version.current(conn), {}, None, {}, {}
            room = version.room(conn) or naming.MAX_ID
            try:
                hashes = ledger.read_hashes(conn)
                planned = ledger.newest_details(conn, Operation.RESTAMP, "planned")
                parts = parts_of(ledger.read_parts(conn))
                if guard.keeps_sources(self.destruction):
                    applied = ledger.read_applied(conn)
            except sqlalchemy.exc.ProgrammingError as error:
                # A role that may only look at alembic_version is told as much as that says.
                if failures.sqlstate(error) != failures.INSUFFICIENT_PRIVILEGE:
                    raise
        found = rescue.compare(self.history, current, applied, self.shared, planned, hashes)
        return dataclasses.replace(found, room=room, parts=parts)

    def plan_upgrade(self, target: str = "heads", *, take_back: bool = False) -> Plan:
        """What `upgrade` would do now; raises HistoryError and MigrationFailed as it does."""
        return self._planned(self.standing(), target, take_back=take_back)

    def plan_downgrade(self, target: str) -> Plan:
        """What `downgrade` would do now; raises HistoryError as it does."""
        standing = self.standing()
        with self.rescued(standing) as runner:
            return plan_downgrade(runner.history, standing.current, target)

    def upgrade(
        self,
        target: str = "heads",
        *,
        environment: Environment | None = None,
        take_back: Permit | None = None,
    ) -> Plan:
        """Upgrades to `target` and returns what was run.

        An empty database is marked as `environment` first. The plan is made under the lock, so a runner that
        waited finds the work done. With a permit to downgrade, `take_back`, what the folder does not have is
        taken back first; what a downgrade has left half done is not built upon. Raises RunnerActive,
        MigrationFailed, HistoryError, DatabaseUnreachable.
        """
        with self.alone() as still_ours:
            standing = self.standing()
            plan = self._planned(standing, target, take_back=take_back is not None)
            if plan.taken_back:
                with self.rescued(standing) as runner:
                    runner.prepare(None, Operation.DOWNGRADE, take_back)
                    runner.run("downgrade", "down", tuple(each.id for each in plan.taken_back), still_ours)
            elif standing.replaced:
                self.listen(Replaced(standing.replaced))
            if plan.steps:
                was_empty = self.prepare(environment)
                self.run("upgrade", "up", plan.ids, still_ours, watched=not was_empty)
        return plan

    def downgrade(self, target: str, permit: Permit) -> Plan:
        """Downgrades to `target` and returns what was run; raises as `upgrade` does.

        What was applied from other files than those here is taken back with the ones it was applied from.
        """
        with self.alone() as still_ours:
            standing = self.standing()
            with self.rescued(standing) as runner:
                plan = plan_downgrade(runner.history, standing.current, target)
                if plan.steps:
                    runner.prepare(None, Operation.DOWNGRADE, permit)
                    runner.run("downgrade", "down", plan.ids, still_ours)
        return plan

    def stamp(self, target: str, permit: Permit | None = None) -> str:
        """Writes `target` into `alembic_version` and returns the full id; stamping back takes a permit.

        Raises Refused without one, and otherwise as `upgrade` does.
        """
        with self.alone():
            found = self.history.get(target)
            revision = "base" if found is None else found.id
            if permit is None and is_backwards(self.history, self.current(), revision):
                # Asked again under the lock: the database may have moved on since the guard was.
                raise errors.Refused(
                    f"stamping {revision}", reasons=("it goes backwards, which takes a permit",)
                )
            self.prepare(None, Operation.STAMP_BACK, permit)
            from notifydb.migrator import execute

            execute.stamp(
                make_engine(self.url), self.project, revision, history=self.history, listen=self._stamped
            )
            return revision

    @contextmanager
    def alone(self) -> Iterator[StillOurs]:
        """Holds the lock that lets one runner at a time work on the database.

        Raises RunnerActive, and ConfigurationError where no migration could be run at all.
        """
        check_endpoint(self.url)
        with (
            failures.translated(),
            advisory_lock(self.url, wait=self.lock_wait, waiting=self._waiting) as still_ours,
        ):
            yield still_ours

    @contextmanager
    def rescued(self, standing: rescue.Standing) -> Iterator[Runner]:
        """For the block, a runner whose folder also has what only the database has kept.

        Raises HistoryError where that does not make a whole history.
        """
        if standing.lost:
            raise _refusal(standing)
        if not standing.kept:
            yield self
            return
        with standing.opened(self.project) as (project, history):
            try:
                yield dataclasses.replace(self, project=project, history=history)
            except errors.MigrationFailed as error:
                if error.revision in standing.kept:
                    error.add_note(
                        "it ran from its kept source: switch to its branch to mend and run it there"
                    )
                raise

    def run(
        self,
        operation: str,
        direction: Literal["up", "down"],
        revisions: Sequence[str],
        still_ours: StillOurs,
        *,
        watched: bool = False,
    ) -> None:
        """Runs these migrations up or down, in their order, and records each with its stamp.

        `still_ours` is what `alone` gives.
        """
        from notifydb.runner.destructive import Watch
        from notifydb.runner.run import Run

        # Where everything is permitted, or nothing was there before, there is nothing to watch for.
        watch = Watch(self.destruction, self.url) if watched and guard.refusals(self.destruction) else None
        run = Run(
            self.records, self.project, operation, self.terms, self.listen, still_ours,
            watch=watch, from_start=self.from_start,
        )  # fmt: skip
        run.carry_out(direction, revisions)

    @property
    def records(self) -> Records:
        keeps_sources = guard.keeps_sources(self.destruction)
        return Records(self.url, self.history, keeps_sources, self.is_shared, self.deployed())

    def _planned(self, standing: rescue.Standing, target: str, *, take_back: bool) -> Plan:
        half_done = standing.half_taken_back()
        if take_back and standing.kept:
            rest = standing.rest()
            if half_done is not None and dataclasses.replace(standing, current=rest).half_taken_back():
                raise half_done
            plan = plan_upgrade(self.history, rest, target, standing.room)
            return dataclasses.replace(plan, current=standing.current, taken_back=standing.foreign())
        if standing.refusal() is not None:
            raise _refusal(standing)
        if half_done is not None:
            raise half_done
        return plan_upgrade(self.history, standing.current, target, standing.room)

    def prepare(
        self,
        environment: Environment | None,
        operation: Operation | None = None,
        permit: Permit | None = None,
    ) -> bool:
        """Makes the database ready for records, and looks at the permit; returns whether it was empty."""
        with own_engine(self.url).begin() as conn:
            empty = own.is_empty(conn)
            own.install(conn)
            if empty and environment not in (None, Environment.UNKNOWN):
                self._mark(conn, environment)
            if operation is not None and permit is not None:
                permit.require(operation, str(conn.scalar(sa.text("SELECT current_database()"))))
        return empty

    def _mark(self, conn: sa.Connection, environment: Environment) -> None:
        """An upgrade goes on without the mark: what needs one is refused then."""
        try:
            own.write_mark(conn, environment)
        except errors.ConfigurationError as error:
            self.listen(Unmarked(error))

    def _stamped(self, event: Event) -> None:
        if isinstance(event, Applied):
            driver = driver_of(event.connection)
            entry = self.records.entry("stamp", event.revision, "done")
            event.message.add(ledger.insertion(driver, entry))
            for part in self._settled(event.connection, event.revision):
                event.message.add(ledger.forgetting(driver, part))

    def _settled(self, conn: sa.Connection, revision: str) -> Iterator[ledger.Entry]:
        """Parts that a stamp leaves nothing to do of: what is below it is said to be whole, and all else to be gone."""
        known = self.history.revisions
        whole = {each.id for each in self.history.chain(revision)} if revision in known else set()
        for part in ledger.read_parts(conn):
            if part.revision in (known if part.operation == "downgrade" else whole):
                yield part

    def _waiting(self, holder: str) -> None:
        self.listen(Waiting(holder))


def _refusal(standing: rescue.Standing) -> errors.HistoryError:
    refusal = standing.refusal()
    assert refusal is not None
    return refusal
