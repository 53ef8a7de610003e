"""Runs migrations through Alembic's EnvironmentContext, each in a transaction of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

import psycopg
import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from psycopg.pq import TransactionStatus

from notifydb import errors
from notifydb.migrator.config import Project, alembic_config, entered
from notifydb.migrator.events import (
    Again,
    Applied,
    Committed,
    Direction,
    Event,
    Failed,
    Listener,
    Planned,
    Ran,
    Started,
)
from notifydb.migrator.foreign import contained
from notifydb.migrator.frames import reason, where
from notifydb.migrator.script import open_script
from notifydb.migrator.stamps import Stamps
from notifydb.postgres import failures
from notifydb.postgres.connect import LEFT_TRANSACTION, begin_again, driver_of
from notifydb.postgres.message import Message
from notifydb.revisions.graph import History
from notifydb.settings.url import redact

__all__ = [
    "Again", "Applied", "Committed", "Direction", "Event", "Failed", "Listener", "Planned", "Ran", "Started",
    "downgrade", "rolled_back", "run_each", "stamp", "upgrade",
]  # fmt: skip


def upgrade(
    engine: sa.Engine,
    project: Project,
    target: str = "heads",
    *,
    history: History | None = None,
    listen: Listener | None = None,
    again: Again | None = None,
) -> None:
    """Runs what lies between the database's revision and `target` (`heads`, an id, a prefix, `+1`).

    Without `history`, the folder's graph as it was read, every migration is imported, not only these.
    Raises MigrationFailed with the revision, HistoryError when the target or the database's revision is not
    in the folder, DatabaseUnreachable when the server goes away.
    """
    _Run(project, "up", target, listen, history, again).execute(engine)


def downgrade(
    engine: sa.Engine,
    project: Project,
    target: str,
    *,
    history: History | None = None,
    listen: Listener | None = None,
    again: Again | None = None,
) -> None:
    """Runs downgrades down to `target` (`base`, an id, a prefix, `-1`); `history` and errors as of `upgrade`."""
    _Run(project, "down", target, listen, history, again).execute(engine)


def run_each(
    engine: sa.Engine,
    project: Project,
    direction: Literal["up", "down"],
    revisions: Sequence[str],
    *,
    history: History | None = None,
    listen: Listener | None = None,
    again: Again | None = None,
) -> None:
    """Runs just these revisions (full ids), in this order; raises as `upgrade` does.

    Each has to stand on what is applied by then; other branches of the history stay as they are.
    """
    _Run(project, direction, tuple(revisions), listen, history, again).execute(engine)


def stamp(
    engine: sa.Engine,
    project: Project,
    target: str,
    *,
    history: History | None = None,
    listen: Listener | None = None,
) -> None:
    """Writes `target` into `alembic_version` and runs nothing; raises HistoryError for an unknown target."""
    _Run(project, "stamp", target, listen, history).execute(engine)


class _Run:
    """One walk over the history, from the database's revision to a target."""

    def __init__(
        self,
        project: Project,
        direction: Direction,
        target: str | tuple[str, ...],
        listen: Listener | None,
        history: History | None = None,
        again: Again | None = None,
    ) -> None:
        self.project = project
        self.history = history
        self.direction: Direction = direction
        self.target = target
        self.listen: Listener = listen or (lambda _: None)
        self.again: Again = again or (lambda _: False)
        self.done: set[str] = set()
        self.is_planned = False
        self.running: str | None = None
        self.began = 0.0
        self.kept_something = False

    def execute(self, engine: sa.Engine) -> None:
        with entered(self.project), failures.translated():
            script, config = open_script(self.project, self.history), alembic_config(self.project)
            with (
                engine.connect() as conn,
                EnvironmentContext(config, script) as env,
                _given_up(conn),
            ):
                sa.event.listen(conn, "commit", self._committed)
                env.configure(connection=conn, transaction_per_migration=self.direction != "stamp")
                while not self._goes_through(env, conn):
                    conn.rollback()
                    driver_of(conn).rollback()

    def _goes_through(self, env: EnvironmentContext, conn: sa.Connection) -> bool:
        """Runs what is left to run; False where a migration failed and is to be run again."""
        try:
            with env.begin_transaction(), Operations.context(env.get_context()):
                self.run_migrations(env.get_context(), env.script)
        except CommandError as error:
            raise errors.HistoryError(str(error), hint="notifydb history shows what there is") from error
        except errors.NotifydbError:
            raise
        except Exception as raised:
            cause = _unmasked(raised)
            if self.running is None or not isinstance(cause, Exception):
                raise cause from None
            self.kept_something |= _is_open(conn) and bool(conn.info.get(LEFT_TRANSACTION))
            failure = self._failure(self.running, cause)
            if self.again(Failed(self.running, failure, cause, conn.closed)):
                return False
            raise failure from cause
        return True

    def run_migrations(self, context: MigrationContext, script: ScriptDirectory) -> None:
        """Does what `MigrationContext.run_migrations` does, whose stamps cannot be sent together with more."""
        heads = self._heads(context)
        stamps = Stamps(context, heads)
        for step, revision in self._planned(script, heads):
            self.running, self.kept_something, self.began = revision, False, time.monotonic()
            self.listen(Started(revision, self.direction))
            with context.begin_transaction(_per_migration=True):
                self._run(step, revision, context)
                assert context.connection is not None
                seconds, message = time.monotonic() - self.began, Message()
                stamps.add_to(message, step)
                self.listen(Applied(revision, self.direction, seconds, context.connection, message))
                message.send(driver_of(context.connection))
            self.running = None
            self.done.add(revision)
            if self.direction != "stamp":
                self.listen(Committed(revision))

    def _heads(self, context: MigrationContext) -> tuple[str, ...]:
        """The database's; a stamp replaces whatever is there, several rows or a revision that nobody knows, at once."""
        heads = () if self.direction == "stamp" else context.get_current_heads()
        if not heads:
            context._ensure_version_table(purge=self.direction == "stamp")  # noqa: SLF001
        return heads

    def _planned(self, script: ScriptDirectory, heads: tuple[str, ...]) -> list[tuple[Any, str]]:
        """The steps from the heads to the target, each with the revision that it is about."""
        try:
            steps = self._find(script, heads)
        except AttributeError as error:
            raise _without_function(error) from error
        revisions = tuple(_revision_of(step) for step in steps)
        if not self.is_planned:
            self.listen(Planned(revisions, self.direction))
            self.is_planned = True
        return list(zip(steps, revisions, strict=True))

    def _run(self, step: Any, revision: str, context: MigrationContext) -> None:
        """The migration, and after it a transaction for its stamp, if it has left its own."""
        if self.direction == "stamp":
            return
        with contained():
            step.migration_fn()
        assert context.connection is not None
        _rejoin(context)
        self.listen(Ran(revision, self.direction, begin_again(context.connection)))

    def _find(self, script: ScriptDirectory, rev: Any) -> list[Any]:
        if isinstance(self.target, tuple):
            left = [each for each in self.target if each not in self.done]
            self._require_left(left, rev)
            return [self._step(script, each) for each in left]
        if self.direction == "up":
            return list(script._upgrade_revs(self.target, rev))  # noqa: SLF001
        if self.direction == "down":
            return list(script._downgrade_revs(self.target, rev))  # noqa: SLF001
        return list(script._stamp_revs(self.target, rev))  # noqa: SLF001

    def _require_left(self, revisions: Sequence[str], heads: Sequence[str]) -> None:
        """Who runs Alembic itself asks for no lock, and may have been here since the plan was made."""
        if self.history is None:
            return
        known = [each for each in heads if each in self.history.revisions]
        applied = {*known, *(below for each in known for below in self.history.ancestors(each))}
        moved = [each for each in revisions if (each in applied) is (self.direction == "up")]
        if moved:
            raise errors.HistoryError(
                f"somebody else runs migrations on this database: {moved[0]} was "
                f"{'applied' if self.direction == 'up' else 'taken back'} meanwhile",
                hint="run the same command again when that is over",
            )

    def _step(self, script: ScriptDirectory, revision: str) -> Any:
        found = script.get_revision(revision)
        assert found is not None
        make = (
            MigrationStep.upgrade_from_script
            if self.direction == "up"
            else MigrationStep.downgrade_from_script
        )
        return make(script.revision_map, found)

    def _committed(self, _conn: sa.Connection) -> None:
        self.kept_something = True

    def _failure(self, revision: str, error: Exception) -> errors.NotifydbError:
        if (setting := failures.timeout_of(error)) is not None:
            return errors.MigrationFailed(
                f"{revision} took longer than {setting} allows, and the server has ended its session",
                revision=revision,
                hint=f"raise {setting} in the migration or for the role, then run the same command again: "
                "what was not committed is not stamped",
            )
        if failures.is_connection_lost(error):
            return errors.DatabaseUnreachable(
                f"the connection was lost in {revision}: {failures.first_line(error)}",
                hint="run the same command again: what was not committed is not stamped",
            )
        place = where(self.project.script_location, error)
        if failures.is_contention(error):
            return errors.LockNotAvailable(
                f"{revision} did not get a lock{place}: {failures.first_line(error)}", hint="try again later"
            )
        verb = "downgrade" if self.direction == "down" else "upgrade"
        return errors.MigrationFailed(
            f"{revision} failed in {verb}(){place}: {redact(reason(error))}",
            revision=revision,
            hint=(
                "it had left its transaction: look at what it did before you run it again"
                if self.kept_something
                else rolled_back(error)
            ),
        )


def rolled_back(error: Exception) -> str:
    """The hint for a failure that has left nothing."""
    return f"its transaction was rolled back; {failures.remedy(error)}, then run the same command again"


def _rejoin(context: MigrationContext) -> None:
    """Where a migration has called `commit()` or `rollback()` of its bind, Alembic would end what is over already.

    The stamp, and what was sent since, go into the transaction that SQLAlchemy has begun, or a new one.
    """
    known = context._transaction  # noqa: SLF001
    if known is not None and not known.is_active and context.connection is not None:
        context._transaction = context.connection.get_transaction() or context.connection.begin()  # noqa: SLF001


@contextmanager
def _given_up(conn: sa.Connection) -> Iterator[None]:
    """Whatever leaves the block ends the session, and is not hidden by what closing it would send.

    What is raised as a transaction begins or commits leaves SQLAlchemy thinking that it has.
    """
    try:
        yield
    except BaseException:
        if _is_open(conn):
            with suppress(psycopg.Error):
                _end(driver_of(conn))
            conn.invalidate()
        raise


def _is_open(conn: sa.Connection) -> bool:
    """Whether neither a failure nor the migration itself has taken the session away."""
    return not conn.invalidated and not conn.closed


def _end(driver: psycopg.Connection[Any]) -> None:
    """Rolls back; a signal may have come between sending a statement and waiting for it."""
    if driver.info.transaction_status is TransactionStatus.ACTIVE:
        driver.cancel()
    else:
        driver.rollback()


def _unmasked(error: BaseException) -> BaseException:
    """What came first: a signal, or what made the end of an autocommit block fail in its turn."""
    before: BaseException | None = error
    while before is not None:
        if isinstance(before, KeyboardInterrupt):
            return before
        before = before.__context__
    while isinstance(error, sa.exc.PendingRollbackError) and error.__context__ is not None:
        error = error.__context__
    return error


def _without_function(error: AttributeError) -> errors.MigrationFailed:
    """Alembic asks each module for its function before the first one runs."""
    revision = str(getattr(error.obj, "revision", error.obj))
    return errors.MigrationFailed(
        f"{revision} has no {error.name}()",
        revision=revision,
        hint="write one, with `pass` if it has nothing to do",
    )


def _revision_of(step: Any) -> str:
    """A RevisionStep knows its revision, a StampStep only where it leads to."""
    revision = getattr(step, "revision", None)
    return str(revision.revision) if revision is not None else ", ".join(step.to_revisions) or "base"
