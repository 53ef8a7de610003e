"""One list of migrations from the first to the last, or to the one that fails: supervised, retried, recorded."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Literal

from notifydb import errors
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.postgres import failures, ledger, version
from notifydb.postgres.activity import Wait
from notifydb.postgres.advisory import StillOurs
from notifydb.postgres.connect import driver_of, make_engine, own_engine
from notifydb.postgres.ledger import Entry
from notifydb.postgres.patience import Patience, Terms
from notifydb.postgres.waits import lines_of
from notifydb.runner.destructive import Watch
from notifydb.runner.events import Continued, Listener, Retrying
from notifydb.runner.journal import Diverged, Journal, Part, parts_of
from notifydb.runner.monitor import Monitor
from notifydb.runner.records import Records
from notifydb.runner.supervision import Supervision
from notifydb.runner.unfinished import done_by_hand, goes_on


@dataclasses.dataclass(slots=True)
class _Current:
    """The migration that is under way; `entry` is the row that it gets when it is done."""

    revision: str
    entry: Entry
    journal: Journal
    #: Set when all is sent; it is told when that is committed.
    applied: execute.Applied | None = None


class Run:
    """Runs the migrator's functions on one database; used once."""

    def __init__(
        self,
        records: Records,
        project: Project,
        operation: str,
        terms: Terms,
        listen: Listener,
        still_ours: StillOurs,
        *,
        watch: Watch | None,
        from_start: bool,
    ) -> None:
        """`watch` is None where the guard has nothing to say; `from_start` goes on from nothing half done.

        `still_ours` asks for the runner's lock.
        """
        self._records = records
        self._project = project
        self._operation = operation
        self._patience = Patience(terms)
        self._listen = listen
        self._watch = watch
        self._from_start = from_start
        self._supervision = Supervision(watch, listen, still_ours, terms.lock_timeout)
        self._monitor = Monitor(records.url, self._patience, listen)
        self._parts: Mapping[tuple[str, str], Part] = {}
        self._fresh: set[str] = set()
        self._current: _Current | None = None

    def carry_out(self, direction: Literal["up", "down"], revisions: Sequence[str]) -> None:
        """Runs these revisions up or down, in their order; raises as the migrator does."""
        engine = make_engine(self._records.url, application_name=f"notifydb {self._operation}")
        guarding = self._watch.watching() if self._watch is not None else nullcontext()
        with failures.translated(), self._monitor.looking(), guarding, self._supervision.over(engine):
            self._parts = self._read_parts()
            self._refuse_strangers()
            try:
                execute.run_each(
                    engine, self._project, direction, revisions,
                    history=self._records.history, listen=self._heard, again=self._again,
                )  # fmt: skip
            except errors.Refused as error:
                self._end("refused", error)
                raise
            except (errors.MigrationFailed, errors.LockNotAvailable) as error:
                self._end("failed", error)
                raise
            except errors.DatabaseUnreachable as error:
                self._end("interrupted", error, urgent=True)
                raise
            except KeyboardInterrupt as error:
                self._end("interrupted", error, urgent=True)
                raise

    def _read_parts(self) -> Mapping[tuple[str, str], Part]:
        with own_engine(self._records.url).connect() as conn:
            return parts_of(ledger.read_parts(conn))

    def _refuse_strangers(self) -> None:
        """Parts of what is not in the folder: it may be there under another id, and would do all of it again."""
        for (operation, revision), part in self._parts.items():
            is_known = revision in self._records.history.revisions
            if operation == self._operation and part.changes and not is_known and not self._from_start:
                raise self._stuck(revision, part, "no file here has that id; give it back its name")

    def _heard(self, event: execute.Event) -> None:
        match event:
            case execute.Started():
                self._start(event)
            case execute.Ran():
                self._supervision.stamping(begun_again=event.begun_again)
            case execute.Applied():
                self._applied(event)
                return
            case execute.Committed():
                self._committed()
                return
            case execute.Planned():
                pass
        self._listen(event)

    def _start(self, event: execute.Started) -> None:
        driver = self._supervision.driver
        assert driver is not None
        if self._current is None or self._current.revision != event.revision:
            self._patience.begin()
        if self._watch is not None:
            self._watch.begin(self._records.history.revisions.get(event.revision))
        entry = self._records.entry(self._operation, event.revision, "done")
        entry = dataclasses.replace(entry, started_at=datetime.now(UTC))
        self._current = _Current(event.revision, entry, Journal(entry))
        self._current.journal = Journal(entry, self._part_of(event.revision))
        self._supervision.begin(event.revision, self._current.journal)
        self._monitor.begin(event.revision, driver.info.backend_pid)

    def _part_of(self, revision: str) -> Part | None:
        """What earlier attempts had committed of the migration, if this one goes on after it."""
        part = self._parts.get((self._operation, revision))
        if part is None or self._from_start or revision in self._fresh:
            return None
        if part.spoiled:
            raise self._stuck(revision, part, part.spoiled)
        if part.changes:
            self._listen(Continued(revision, part.changes, part.since, part.runner))
        return part

    def _applied(self, event: execute.Applied) -> None:
        current = self._current
        assert current is not None
        entry = dataclasses.replace(
            current.entry,
            seconds=event.seconds,
            statements=current.journal.statements,
            retries=self._patience.attempt - 1,
        )
        driver = driver_of(event.connection)
        # The role that the migration has set, if any, need not reach the history; it is its own again after that.
        event.message.add(ledger.AS_CONNECTED)
        event.message.add(ledger.insertion(driver, entry))
        if (self._operation, event.revision) in self._parts or current.journal.has_parts:
            event.message.add(ledger.forgetting(driver, entry))
        self._supervision.finish(event.message)
        current.applied = event
        self._monitor.end()

    def _committed(self) -> None:
        current, self._current = self._current, None
        assert current is not None
        assert current.applied is not None
        self._listen(current.applied)

    def _again(self, failed: execute.Failed) -> bool:
        """Whether the migration that failed is run again; waits first where somebody was in its way."""
        assert self._current is not None
        wait, journal = self._monitor.end(), self._current.journal
        self._supervision.end()
        if self._monitor.gave_up:
            raise _given_up(failed, wait, self._patience.exhausted()) from failed.cause
        if failures.is_connection_lost(failed.cause):
            return False
        if failed.is_closed:
            self._explain(failed)
            return False
        if not failures.is_contention(failed.cause):
            if journal.part is not None and (journal.is_replaying or isinstance(failed.cause, Diverged)):
                return self._from_its_beginning(failed, journal.part)
            self._explain(failed)
            return False
        pause = self._patience.pause()
        if pause is None:
            raise _given_up(failed, wait, self._patience.exhausted()) from failed.cause
        attempt, attempts = self._patience.attempt, self._patience.terms.attempts
        reason = failures.first_line(failed.cause)
        self._listen(Retrying(failed.revision, attempt, attempts, pause, reason, wait))
        time.sleep(pause)
        self._parts = self._read_parts()
        # Of what this very run has committed, each statement is known: it is gone on from.
        self._from_start = False
        return True

    def _explain(self, failed: execute.Failed) -> None:
        """What is left of a migration that failed, which the migrator alone does not know."""
        if not isinstance(failed.error, errors.MigrationFailed):
            return
        part = self._read_parts().get((self._operation, failed.revision))
        if part is None or not part.may_have_left_something:
            failed.error.hint = execute.rolled_back(failed.cause)
        elif part.stuck:
            left = (
                f"{part.changes} of its statements are committed, and it cannot go on after them"
                if part.changes
                else "it had left its transaction, and it cannot go on"
            )
            failed.error.hint = f"{left} ({part.stuck}): {self._ways_out(failed.revision)}"
        elif not part.changes:
            failed.error.hint = (
                "it had left its transaction, and what it did there may have stayed: mend the migration behind that, "
                "then run the same command again; it goes on after it"
            )
        else:
            unless = (
                f", unless it reads the rows that one of them has returned, which are not kept; then: "
                f"{self._ways_out(failed.revision)}"
            )
            failed.error.hint = (
                f"{part.changes} of its statements are committed: mend the migration behind them, then run the same "
                f"command again; it goes on after them{unless if part.returned else ''}"
            )

    def _from_its_beginning(self, failed: execute.Failed, part: Part) -> bool:
        """It did not send what was committed before, and has changed nothing: is it as good from the start?"""
        if not part.may_be_repeated:
            raise self._stuck(failed.revision, part, failures.first_line(failed.cause)) from failed.cause
        self._fresh.add(failed.revision)
        return True

    def _stuck(self, revision: str, part: Part, why: str) -> errors.MigrationFailed:
        by = f"by {part.runner}{f' at {part.since:%Y-%m-%d %H:%M:%S}' if part.since else ''}"
        left = (
            f": {part.changes} of its statements were committed {by}, and it cannot go on after them"
            if part.changes
            else f" {by}, and it cannot go on"
        )
        return errors.MigrationFailed(
            f"{revision} was left half done{left}: {why}", revision=revision, hint=self._ways_out(revision)
        )

    def _ways_out(self, revision: str) -> str:
        with own_engine(self._records.url).connect() as conn:
            current = version.current(conn)
        about = self._records.history, self._operation, revision, current
        return (
            f"{goes_on(*about)} --from-start, if it may do them again; or finish it by hand and: "
            f"{done_by_hand(*about)}"
        )

    def _end(self, outcome: str, error: BaseException, *, urgent: bool = False) -> None:
        current = self._current
        entry = current.entry if current else Entry(self._operation, None, outcome)
        statements = current.journal.statements if current else None
        retries = self._patience.attempt - 1
        entry = dataclasses.replace(
            entry, outcome=outcome, source=None, statements=statements, retries=retries
        )
        # A signal, or a connection that is lost, may leave open whether the commit has come through.
        if self._records.failure(entry, error, urgent=urgent) and current and current.applied:
            self._listen(current.applied)


def _given_up(failed: execute.Failed, wait: Wait | None, why: str) -> errors.LockNotAvailable:
    return errors.LockNotAvailable(
        f"{failed.revision} did not get its lock: {why}; the last attempt: {failures.first_line(failed.cause)}",
        reasons=lines_of(wait) if wait else (),
        hint="end what is in the way, or run the same command again when it is gone",
    )
