"""The destructive guard of upgrades: what a migration takes away has to be permitted before it commits.

Every transaction is looked at before it commits: Alembic's own, one that the migration ends with a raw COMMIT, and,
outside of one, each statement in a transaction made for it. Only what cannot run in a transaction runs bare, and none
of that loses rows.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from notifydb import errors, guard
from notifydb.guard import Request
from notifydb.postgres.connect import plain, plain_url
from notifydb.postgres.losses import Losses
from notifydb.postgres.message import Message
from notifydb.postgres.session import allow_idling
from notifydb.revisions.graph import Revision
from notifydb.revisions.reader import parse_module

if TYPE_CHECKING:
    from notifydb.runner.texts import Text

#: A module-level string of this name in a migration says, with its reason, that it destroys on purpose.
MARK = "destructive"


class Watch:
    """Compares what a transaction sees with what others see."""

    def __init__(self, request: Request, url: str) -> None:
        """`request` is what the guard is asked, with the migration's own mark filled in."""
        self.request = request
        self.running: Revision | None = None
        self._refusals: tuple[str, ...] = ()
        self._url = url
        self._others: psycopg.Connection[Any] | None = None
        self._losses = Losses(self._outsider)
        self._truncated: list[str] = []
        self._came_back = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Closes at its end the second session, which is opened when it is first needed."""
        try:
            yield
        finally:
            if self._others is not None:
                self._others.close()

    def begin(self, running: Revision | None) -> None:
        """This migration is under way, with the mark that it has now; None is one that nobody knows."""
        self.running, self._refusals = running, ()
        if running is not None:
            reasoned = reason_of(running) is not None
            self._refusals = guard.refusals(dataclasses.replace(self.request, reasoned=reasoned))

    @property
    def needs_to_know(self) -> bool:
        """Whether it matters what the migration takes away: to find that out, another session is asked."""
        return bool(self._refusals)

    def remember(self, driver: psycopg.Connection[Any]) -> None:
        """A transaction has begun."""
        self._truncated, self._came_back = [], False
        self._losses.begin(plain(driver))

    def heard(self, text: Text) -> None:
        """What is about to be sent in one go; raises Refused for what cannot be followed."""
        self._truncated += text.truncated
        self._came_back |= text.rolls_back_to_a_savepoint
        if text.ends_in_the_middle:
            self.refuse("commits in the middle of a string: what it does there cannot be checked")

    def heard_outside(self, text: Text) -> None:
        """As `heard`, of what cannot run in a transaction."""
        if text.may_commit_by_itself:
            self.refuse("runs a DO block or procedure outside of a transaction, which may commit by itself")
        for command in text.irrevocable:
            self.refuse(f"runs {command}, which no transaction takes back")

    def prepare(self, driver: psycopg.Connection[Any]) -> None:
        """The session is new, and in no transaction."""
        self._losses.prepare(driver)

    def forget(self) -> None:
        """The session may have discarded what was prepared."""
        self._losses.forget()

    def check(self, driver: psycopg.Connection[Any]) -> None:
        """Compares inside the transaction; Refused leaves it to be rolled back."""
        if self.running is not None:
            message = Message()
            self.ask(message, driver)
            message.send(driver)

    def ask(self, message: Message, driver: psycopg.Connection[Any]) -> None:
        """As `check`, with the answer to the message, of which this is the last statement."""
        if self.running is not None:
            self._losses.ask(message, driver, self._judge)

    def _judge(self, answer: psycopg.Cursor[Any]) -> None:
        doubted, cursor = self._losses.doubted(answer), plain(answer.connection)
        if not self.needs_to_know:
            return
        lost = tuple(self._losses.of(doubted, cursor))
        if lost and self._came_back and self._losses.are_none(doubted, cursor):
            lost = ()
        self.refuse(*lost, *self._truncations(lost))

    def _outsider(self) -> psycopg.Cursor[Any]:
        if self._others is None or self._others.closed:
            self._others = psycopg.connect(
                plain_url(self._url), autocommit=True, application_name="notifydb guard"
            )
            allow_idling(self._others)
        return plain(self._others)

    def refuse(self, *lost: str) -> None:
        """Raises Refused with what would be lost, unless nothing is, or the guard lets it go."""
        if lost and self._refusals and self.running is not None:
            raise errors.Refused(
                f"{self.running.id} destroys data, and that is refused here",
                reasons=(*lost, *self._refusals),
                hint=f'if it is meant, say so in the migration: {MARK} = "why it may go"',
            )

    def _truncations(self, lost: tuple[str, ...]) -> Iterator[str]:
        """Each TRUNCATE of a table that was there before, if it was not empty; said once."""
        for name in self._truncated:
            is_said = any(text.startswith("truncates ") and text.endswith(name) for text in lost)
            if not is_said and self._is_there(name):
                yield f"truncates {name}"

    def _is_there(self, name: str) -> bool:
        query = "SELECT FROM pg_class WHERE relkind IN ('r', 'p', 'f') AND relname = %s LIMIT 1"
        return bool(self._outsider().execute(query, (name.split(".")[-1],)).fetchall())


def reason_of(revision: Revision) -> str | None:
    """The reason that the migration's own `destructive = "..."` gives, None where it says nothing."""
    reason, source = None, revision.path.read_bytes()
    if MARK.encode() not in source:
        return None
    for node in parse_module(source, revision.path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if name == MARK:
                reason = text.strip() or None
    return reason
