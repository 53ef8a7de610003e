"""Stands around everything that a run sends: the guard, the journal and the builds each have their say.

Each statement outside of a transaction gets one of its own, as Postgres would give it, so that it can be looked
at before it commits and recorded as it does. Only what cannot run in a transaction runs bare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.pq import TransactionStatus

from notifydb import errors
from notifydb.postgres.advisory import StillOurs, hold_while_working, let_go
from notifydb.postgres.connect import driver_of, plain
from notifydb.postgres.cursors import AnyCursor, Instead, Sent, telling
from notifydb.postgres.indexes import is_relation, is_valid
from notifydb.postgres.message import Message
from notifydb.postgres.session import allow_idling, end_with_the_client, limit_locks
from notifydb.runner.builds import Builder
from notifydb.runner.destructive import Watch
from notifydb.runner.events import Event
from notifydb.runner.journal import Diverged, Journal

if TYPE_CHECKING:
    from notifydb.runner.texts import Text
    from notifydb.sql.names import Relation

#: What one of the patterns below finds has one of these in it, in lower or upper case (tests/unit/test_in_passing.py).
#: Most statements have none, and are let by at a glance.
_REMARKABLE: Final = (
    "abort", "advisory_unlock", "begin", "client_connection_check", "commit", "deallocate", "discard", "end",
    "prepare", "reset", "rollback", "start", "timeout", "truncate",
)  # fmt: skip
#: What may change the session's lock timeout for longer than its transaction.
_SETTING: Final = re.compile(r"timeout|\breset\b|\bdiscard\b", re.IGNORECASE)
#: What may drop the session's locks, or the server's look at whether its client is there.
_LEAVING: Final = re.compile(
    r"(?:\A|;)(?:\s|--[^\n]*\n|/\*.*?\*/)*(?:discard|reset)\b|advisory_unlock|client_connection_check",
    re.IGNORECASE | re.DOTALL,
)
#: What may throw away what the session has prepared.
_FORGETTING: Final = re.compile(r"\b(discard|deallocate)\b", re.IGNORECASE)
#: What ends a transaction, or empties a table, has one of these words in it; all else need not be parsed.
_TELLING: Final = re.compile(r"\b(commit|end|rollback|abort|prepare|begin|start|truncate)\b", re.IGNORECASE)


class Supervision:
    """Watches the connections of one engine; between `begin` and `stamping`, what they send is a migration's."""

    def __init__(
        self,
        watch: Watch | None,
        listen: Callable[[Event], None],
        still_ours: StillOurs = lambda: None,
        lock_timeout: float = 0,
    ) -> None:
        """`watch` is None where the guard has nothing to say; `still_ours` asks for the runner's lock.

        `lock_timeout` is in seconds, 0 for none.
        """
        self.driver: psycopg.Connection[Any] | None = None
        self.journal: Journal | None = None
        self._watch = watch
        self._listen = listen
        self._still_ours = still_ours
        self._lock_timeout = lock_timeout
        self._limits_are_unsure = False
        self._ends_with_us = False
        self._builder: Builder | None = None
        self._is_sending = False
        self._is_asked = False
        self._verdict: Exception | None = None

    @contextmanager
    def over(self, engine: sa.Engine) -> Iterator[None]:
        """Watches what the connections do that the engine opens during the block."""
        sa.event.listen(engine, "connect", self._connected)
        sa.event.listen(engine, "begin", self._begun)
        sa.event.listen(engine, "rollback", self._rolled_back)
        with telling(engine, self._sending):
            yield

    def begin(self, revision: str, journal: Journal) -> None:
        """The migration sends from now on."""
        self.journal, self._is_sending, self._verdict = journal, True, None
        self._is_asked = False
        self._builder = Builder(revision, self._listen)
        if self._limits_are_unsure and self.driver is not None:
            limit_locks(self.driver, self._lock_timeout)
            self._limits_are_unsure = False

    def stamping(self, *, begun_again: bool) -> None:
        """The migration's function has returned: what follows is the stamp and its record.

        `begun_again` tells that a transaction was begun for them. Raises Diverged where it has not sent all
        that was committed before, and once more what it was told meanwhile and did not heed.
        """
        assert self.journal is not None
        assert self.driver is not None
        if self._verdict is not None:
            raise self._verdict
        if self.journal.is_replaying:
            raise Diverged("it ended before it came to what is new")
        self._is_sending = False
        if begun_again and self._watch is not None:
            self._watch.remember(self.driver)

    def finish(self, message: Message) -> None:
        """What ends the migration is about to be sent, and nothing but the commit after it: the guard asks with it."""
        assert self.driver is not None
        if self._watch is not None:
            self._watch.ask(message, self.driver)
            self._is_asked = True

    def end(self) -> None:
        """The migration has failed, and was rolled back, what it has set included."""
        self._is_sending, self._limits_are_unsure = False, True

    def _connected(self, driver: psycopg.Connection[Any], _record: Any) -> None:
        driver.autocommit = True
        try:
            self._ends_with_us = end_with_the_client(driver)
            limit_locks(driver, self._lock_timeout)
            # Between two attempts; how long its transactions may idle is the role's and the migration's to say.
            allow_idling(driver, in_transactions=False)
            hold_while_working(driver, self._still_ours)
            if self._watch is not None:
                self._watch.prepare(driver)
        except BaseException:
            # Nobody has it yet who would close it.
            driver.close()
            raise
        driver.autocommit = False
        # At each ALTER and DROP the driver would throw away what it has prepared, and tell the server so.
        driver.prepare_threshold = None
        if self.driver is None or self.driver.closed:
            self.driver = driver
        driver.close = partial(self._close, driver, driver.close)  # type: ignore[method-assign]
        # SQLAlchemy commits with it, and so may a migration that goes past SQLAlchemy.
        driver.commit = partial(self._commit, driver, driver.commit)  # type: ignore[method-assign]
        driver.transaction = partial(self._transaction, driver.transaction)  # type: ignore[method-assign]

    def _close(self, driver: psycopg.Connection[Any], close: Callable[[], None]) -> None:
        if driver.info.transaction_status is TransactionStatus.IDLE:
            let_go(driver)
        close()

    def _commit(self, driver: psycopg.Connection[Any], commit: Callable[[], None]) -> None:
        if driver.info.transaction_status is TransactionStatus.INTRANS:
            with self._kept_verdict():
                self._before_commit(driver)
        commit()

    def _transaction(self, transaction: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """The driver's own `transaction()`, whose commit nobody sees."""
        if self._is_sending and self.journal is not None:
            self.journal.spoil("it uses the driver's transaction()")
            if self._watch is not None:
                with self._kept_verdict():
                    self._watch.refuse(
                        "uses the driver's transaction(): what is committed there cannot be checked"
                    )
        return transaction(*arguments, **options)

    def _begun(self, conn: sa.Connection) -> None:
        driver = driver_of(conn)
        if not driver.autocommit and self._watch is not None:
            self._watch.remember(driver)

    def _rolled_back(self, conn: sa.Connection) -> None:
        if self._is_sending and self.journal is not None and driver_of(conn) is self.driver:
            self.journal.undone()

    @contextmanager
    def _kept_verdict(self) -> Iterator[None]:
        """What we ourselves object to stands, also where the migration catches it."""
        try:
            yield
        except (Diverged, errors.NotifydbError) as verdict:
            self._verdict = verdict
            raise

    @contextmanager
    def _sending(self, cursor: AnyCursor, sent: Sent) -> Iterator[Instead | None]:
        journal = self.journal
        if not self._is_sending or journal is None:
            yield None
            return
        if self._verdict is not None:
            raise self._verdict
        if not self._needs_care(cursor.connection, sent, journal):
            yield None
            journal.add(sent, cursor)
            return
        self._limits_are_unsure |= bool(_SETTING.search(sent.sql))
        if self._watch is not None and _FORGETTING.search(sent.sql):
            self._watch.forget()
        with self._kept_verdict(), self._held_on(cursor.connection, sent):
            if journal.is_replaying:
                yield journal.replay(sent)
                return
            if cursor.connection is not self.driver:
                journal.spoil("it uses a second connection")
            with self._on_its_way(cursor, sent, journal) as instead:
                yield instead

    def _needs_care(self, driver: psycopg.Connection[Any], sent: Sent, journal: Journal) -> bool:
        """Whether it is anything else than one more statement of the transaction that is looked at as it commits."""
        is_elsewhere = driver is not self.driver or _is_outside(driver)
        return is_elsewhere or journal.is_replaying or _is_remarkable(sent.sql)

    @contextmanager
    def _held_on(self, driver: psycopg.Connection[Any], sent: Sent) -> Iterator[None]:
        """Takes again what the statement may have thrown away, and other runners go by."""
        yield
        if not _LEAVING.search(sent.sql):
            return
        ends = not driver.autocommit and driver.info.transaction_status is TransactionStatus.IDLE
        if self._ends_with_us:
            end_with_the_client(driver)
        allow_idling(driver, in_transactions=False)
        hold_while_working(driver, self._still_ours)
        if ends:
            plain(driver).execute("COMMIT")

    @contextmanager
    def _on_its_way(self, cursor: AnyCursor, sent: Sent, journal: Journal) -> Iterator[Instead | None]:
        if _is_outside(cursor.connection):
            with self._outside(cursor, sent, journal) as instead:
                yield instead
        elif _TELLING.search(sent.sql):
            with self._listening(cursor, sent, journal):
                yield None
        else:
            yield None
            journal.add(sent, cursor)

    @contextmanager
    def _listening(self, cursor: AnyCursor, sent: Sent, journal: Journal) -> Iterator[None]:
        text = _text_of(sent)
        self._heard(text, journal)
        if text.commits:
            self._before_commit(cursor.connection)
        yield
        journal.add(sent, cursor)
        if text.rolls_back:
            journal.undone()

    def _heard(self, text: Text, journal: Journal) -> None:
        """What only the text tells."""
        if text.rolls_back_to_a_savepoint:
            journal.spoil("it rolls back to a savepoint")
        if text.ends_in_the_middle:
            journal.spoil("it ends a transaction in the middle of a string")
        if self._watch is not None:
            self._watch.heard(text)

    @contextmanager
    def _outside(self, cursor: AnyCursor, sent: Sent, journal: Journal) -> Iterator[Instead | None]:
        driver, text = cursor.connection, _text_of(sent)
        if not text.runs_bare:
            with self._wrapping(cursor, sent, journal, text):
                yield None
            return
        self._heard(text, journal)
        if self._watch is not None:
            self._watch.heard_outside(text)
        with self._bare(driver, sent, journal, text) as instead:
            try:
                yield instead
            except psycopg.Error:
                # Nothing of it is left, and the migration may mean to go on.
                journal.failed(sent)
                raise
        journal.add(sent, cursor, alone=True)
        if self._watch is not None and text.begins:
            self._watch.remember(driver)

    @contextmanager
    def _wrapping(self, cursor: AnyCursor, sent: Sent, journal: Journal, text: Text) -> Iterator[None]:
        driver = cursor.connection
        plain(driver).execute("BEGIN")
        try:
            if self._watch is not None:
                self._watch.remember(driver)
            self._heard(text, journal)
            yield
            journal.add(sent, cursor)
            self._before_commit(driver)
        except BaseException as error:
            with suppress(psycopg.Error):
                plain(driver).execute("ROLLBACK")
            if isinstance(error, psycopg.Error):
                journal.failed(sent)
            raise
        plain(driver).execute("COMMIT")

    @contextmanager
    def _bare(
        self, driver: psycopg.Connection[Any], sent: Sent, journal: Journal, text: Text
    ) -> Iterator[Instead | None]:
        """What runs outside of any transaction; that it was sent is recorded where its effect does not tell."""
        assert self._builder is not None
        was_alone, dropped = journal.was_left_alone(sent), text.dropped
        is_there = dropped is None or is_relation(driver, dropped.schema, dropped.name)
        is_blind = text.build is None and text.rebuilt is None and dropped is None
        if is_there and not text.tells_by_itself:
            plain(driver).execute("BEGIN")
            journal.commits(driver, alone=sent, is_blind=is_blind)
            plain(driver).execute("COMMIT")
        if text.build is not None:
            with self._builder.building(driver, text.build, is_second=was_alone) as instead:
                yield instead
        elif text.rebuilt is not None:
            with self._builder.rebuilding(driver, text.rebuilt):
                yield None
        elif was_alone and not is_there:
            yield Instead("")
        elif was_alone and dropped is None:
            raise Diverged(f"nobody has recorded how statement {journal.statements + 1} ended")
        else:
            with _answer_noted(driver, journal, text):
                yield None

    def _before_commit(self, driver: psycopg.Connection[Any]) -> None:
        """The guard compares inside the transaction; what it refuses is left to be rolled back."""
        if self._watch is not None and not self._is_asked:
            self._watch.check(driver)
        if self._is_sending and self.journal is not None and not self.journal.is_replaying:
            self.journal.commits(driver)


@contextmanager
def _answer_noted(driver: psycopg.Connection[Any], journal: Journal, text: Text) -> Iterator[None]:
    """Takes the record back of what was sent bare, where the server has answered that nothing came of it."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate is not None and not text.tells_by_itself:
            with suppress(psycopg.Error):
                if text.fails_as_a_whole or _is_still_whole(driver, text.dropped):
                    journal.answered(driver)
        raise


def _is_still_whole(driver: psycopg.Connection[Any], dropped: Relation | None) -> bool:
    """Whether the index is as it was: one whose drop was cut short in its midst is INVALID."""
    return dropped is not None and is_valid(driver, dropped.schema, dropped.name)


def _is_remarkable(sql: str) -> bool:
    text = sql.lower()
    return any(word in text for word in _REMARKABLE)


def _is_outside(driver: psycopg.Connection[Any]) -> bool:
    return driver.autocommit and driver.info.transaction_status is TransactionStatus.IDLE


def _text_of(sent: Sent) -> Text:
    from notifydb.runner.texts import Text

    return Text(sent.sql)
