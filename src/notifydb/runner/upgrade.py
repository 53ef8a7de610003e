"""Runs upgrades and downgrades: one runner at a time, each step recorded with its stamp."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb import errors, guard
from notifydb.guard import Operation, Permit, Request
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.postgres import failures, own
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.connect import make_engine
from notifydb.revisions.graph import History
from notifydb.runner.destructive import Watch
from notifydb.runner.plan import Plan, is_backwards, plan_downgrade, plan_upgrade
from notifydb.settings.environment import Environment


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """Another runner holds the lock; `holder` says who."""

    holder: str


@dataclasses.dataclass(frozen=True, slots=True)
class Unmarked:
    """The empty database could not be marked for what it is, and why."""

    error: errors.ConfigurationError


Event = execute.Event | Waiting | Unmarked
Listener = Callable[[Event], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Runner:
    """Changes one database along one history; `lock_wait` is in seconds.

    `destruction` is what the guard is asked when an upgrade takes something away.
    """

    url: str
    project: Project
    history: History
    destruction: Request
    lock_wait: float = 60
    listen: Listener = lambda _: None

    def current(self) -> tuple[str, ...]:
        """What the database holds; raises DatabaseUnreachable, ConfigurationError."""
        with failures.translated(), make_engine(self.url).connect() as conn:
            return execute.current(conn)

    def upgrade(self, target: str = "heads", *, environment: Environment | None = None) -> Plan:
        """Upgrades to `target` and returns what was run.

        An empty database is marked as `environment` first. The plan is made under the lock, so a runner that
        waited finds the work done. Raises RunnerActive, MigrationFailed, HistoryError, DatabaseUnreachable.
        """
        with failures.translated(), advisory_lock(self.url, wait=self.lock_wait, waiting=self._waiting):
            plan = plan_upgrade(self.history, self.current(), target)
            if plan.steps:
                was_empty = self._prepare(environment)
                self._run("upgrade", plan, execute.upgrade, watched=not was_empty)
        return plan

    def downgrade(self, target: str, permit: Permit) -> Plan:
        """Downgrades to `target` and returns what was run; raises as `upgrade` does."""
        with failures.translated(), advisory_lock(self.url, wait=self.lock_wait, waiting=self._waiting):
            plan = plan_downgrade(self.history, self.current(), target)
            if plan.steps:
                self._prepare(None, Operation.DOWNGRADE, permit)
                self._run("downgrade", plan, execute.downgrade)
        return plan

    def stamp(self, target: str, permit: Permit | None = None) -> str:
        """Writes `target` into `alembic_version` and returns the full id; stamping back takes a permit.

        Raises Refused without one, and otherwise as `upgrade` does.
        """
        with failures.translated(), advisory_lock(self.url, wait=self.lock_wait, waiting=self._waiting):
            found = self.history.get(target)
            revision = "base" if found is None else found.id
            if permit is None and is_backwards(self.history, self.current(), revision):
                # Asked again under the lock: the database may have moved on since the guard was.
                raise errors.Refused(
                    f"stamping {revision}", reasons=("it goes backwards, which takes a permit",)
                )
            self._prepare(None, Operation.STAMP_BACK, permit)
            self._run("stamp", Plan((), revision, ()), execute.stamp)
            return revision

    def _run(self, operation: str, plan: Plan, run: Callable[..., None], *, watched: bool = False) -> None:
        engine = make_engine(self.url)
        # Where everything is permitted, or nothing was there before, there is nothing to watch for.
        watch = Watch(self.destruction) if watched and guard.refusals(self.destruction) else None
        if watch is not None:
            watch.attach(engine)

        def listen(event: execute.Event) -> None:
            if watch is not None and isinstance(event, execute.Started):
                watch.running = self.history.revisions.get(event.revision)
            if isinstance(event, execute.Applied):
                own.record(event.connection, self._entry(operation, event.revision, "done", event.seconds))
            self.listen(event)

        try:
            run(engine, self.project, plan.target, listen=listen)
        except errors.MigrationFailed as error:
            self._record_failure(operation, error.revision, "failed", error)
            raise
        except errors.Refused as error:
            running = watch.running.id if watch and watch.running else None
            self._record_failure(operation, running, "refused", error)
            raise

    def _entry(self, operation: str, revision: str, outcome: str, seconds: float | None) -> own.Entry:
        known = self.history.revisions.get(revision)
        digest = hashlib.sha256(known.path.read_bytes()).hexdigest() if known else None
        return own.Entry(operation, revision, outcome, seconds, digest)

    def _record_failure(
        self, operation: str, revision: str | None, outcome: str, error: errors.NotifydbError
    ) -> None:
        """On a connection of its own: the migration's transaction is gone."""
        reasons = list(getattr(error, "reasons", ()))
        entry = self._entry(operation, revision or "", outcome, None)
        entry = dataclasses.replace(entry, details={"error": error.message, "reasons": reasons})
        try:
            with make_engine(self.url).begin() as conn:
                own.record(conn, entry)
        except sqlalchemy.exc.DBAPIError as lost:
            error.add_note(f"the failure could not be recorded: {failures.first_line(lost)}")

    def _prepare(
        self,
        environment: Environment | None,
        operation: Operation | None = None,
        permit: Permit | None = None,
    ) -> bool:
        """Makes the database ready for records; returns whether it was empty."""
        with make_engine(self.url).begin() as conn:
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

    def _waiting(self, holder: str) -> None:
        self.listen(Waiting(holder))
