"""Looks, from a second connection, at what the running migration waits for; acts where it was told to."""

from __future__ import annotations

import dataclasses
import fnmatch
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psycopg
import sqlalchemy as sa
import sqlalchemy.exc

from notifydb.postgres import activity, failures, ledger
from notifydb.postgres.activity import Wait
from notifydb.postgres.connect import autocommit_engine, driver_of
from notifydb.postgres.patience import Patience
from notifydb.postgres.session import allow_idling
from notifydb.runner.events import Blocked, Cancelled, Listener, Progress, Unwatched, Working
from notifydb.sql.redaction import without_literals

_INTERVAL: Final = 0.5
#: Seconds after which something that has not changed is told again, and for mere work.
_TOLD_AGAIN: Final = 5.0
_WORK_TOLD: Final = 15.0
#: A client that was told to stop does not wait longer for the thread.
_GOODBYE: Final = 0.5
#: How other sessions' statements are shown, by the terms' `queries`.
_MASKS: Final[Mapping[str, Callable[[str], str]]] = {
    "masked": without_literals,
    "full": lambda query: query,
    "hidden": lambda _query: "",
}


@dataclasses.dataclass(frozen=True, slots=True)
class _Subject:
    revision: str
    pid: int
    began: float


class Monitor:
    """A thread that looks every half second, from the first half second of a migration on."""

    def __init__(self, url: str, patience: Patience, listen: Listener) -> None:
        self.gave_up = False
        self._url = url
        self._patience = patience
        self._listen = listen
        self._subject: _Subject | None = None
        self._seen: Wait | None = None
        self._told: tuple[object, float] = (None, 0.0)
        self._stop = threading.Event()
        lock_timeout = patience.terms.lock_timeout or _INTERVAL
        self._mask = _MASKS[patience.terms.queries]
        self._interval = min(_INTERVAL, max(lock_timeout / 4, 0.05))

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Looks as long as the block runs."""
        thread = threading.Thread(target=self._look, name="notifydb monitor", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(_GOODBYE)

    def begin(self, revision: str, pid: int) -> None:
        """The session of that pid runs the migration now."""
        self.gave_up, self._seen, self._subject = False, None, _Subject(revision, pid, time.monotonic())

    def end(self) -> Wait | None:
        """The migration has ended; what it was last seen to wait for."""
        self._subject = None
        return self._seen

    def _look(self) -> None:
        while not self._stop.wait(self._interval):
            if not self._is_long():
                continue
            try:
                with autocommit_engine(self._url, application_name="notifydb monitor").connect() as conn:
                    allow_idling(driver_of(conn))
                    self._look_through(conn)
            except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
                self._listen(Unwatched(failures.first_line(error)))
                self._stop.wait(_TOLD_AGAIN)

    def _is_long(self) -> bool:
        subject = self._subject
        return subject is not None and time.monotonic() - subject.began >= self._interval

    def _look_through(self, conn: sa.Connection) -> None:
        while True:
            subject = self._subject
            if subject is not None:
                self._look_at(conn, subject)
            if self._stop.wait(self._interval):
                return

    def _look_at(self, conn: sa.Connection, subject: _Subject) -> None:
        wait = activity.wait_of(conn, subject.pid)
        building = activity.building_of(conn, subject.pid)
        if wait is not None:
            self._cancel(conn, subject, wait)
            wait = wait.shown(self._mask)
            self._seen = wait
            if self._patience.is_over and self._subject == subject:
                self.gave_up = True
                conn.execute(sa.text("SELECT pg_cancel_backend(:pid)"), {"pid": subject.pid})
        if building is not None:
            self._tell(Progress(subject.revision, building, wait), (building.phase, _pids(wait)))
        elif wait is not None:
            self._tell(Blocked(subject.revision, wait), _pids(wait))
        elif (seconds := time.monotonic() - max(subject.began, self._told[1])) >= _WORK_TOLD:
            self._tell(Working(subject.revision, time.monotonic() - subject.began), seconds)

    def _tell(self, event: Blocked | Progress | Working, what: object) -> None:
        """Tells what is new at once, and what is not now and then."""
        key = (event.revision, what)
        if key != self._told[0] or time.monotonic() - self._told[1] >= _TOLD_AGAIN:
            self._told = (key, time.monotonic())
            self._listen(event)

    def _cancel(self, conn: sa.Connection, subject: _Subject, wait: Wait) -> None:
        """Ends those that the terms name, of the sessions that hold the migration up and are held up by nobody."""
        cancelling = self._patience.terms.cancelling
        if cancelling is None:
            return
        for session in (each.session for each in wait.blockers if not each.session.blockers):
            named = any(fnmatch.fnmatchcase(session.application, each) for each in cancelling.applications)
            if not named or (session.age or 0) < cancelling.after:
                continue
            if activity.cancel(conn, session, cancelling.permit):
                shown = session.shown(self._mask)
                done = ledger.Entry(
                    cancelling.permit.operation, subject.revision, "done", details=shown.to_json()
                )
                ledger.record(conn, done)
                self._listen(Cancelled(subject.revision, shown))


def _pids(wait: Wait | None) -> tuple[int, ...]:
    return tuple(each.session.pid for each in wait.blockers) if wait else ()
