"""What of a migration is committed before its stamp, so that a later attempt goes on after it.

A migration that leaves its transaction (an autocommit block, a raw COMMIT) can be cut short with a part of it
committed. That part is recorded, in the transaction that commits it, as a digest of each statement. The next
attempt has to send the very statements that are recorded, and they do not reach the server again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import psycopg

from notifydb.postgres import ledger
from notifydb.postgres.connect import plain
from notifydb.postgres.cursors import AnyCursor, Instead, Sent
from notifydb.postgres.ledger import Entry
from notifydb.sql.effect import Effect

_HARMLESS = (
    "SELECT proname FROM pg_proc WHERE proname = ANY(%s) GROUP BY 1 HAVING NOT bool_or(provolatile = 'v')"
)
#: SQLAlchemy counts its savepoints for a connection: they have other names the next time.
_SAVEPOINT = re.compile(r"\bsa_savepoint_\d+\b")


class Diverged(Exception):
    """The migration does not send what it had committed before; nothing has been changed by this attempt."""


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A statement that was sent: a digest of its text, the rows it changed, and what a second time would do."""

    digest: str
    rowcount: int
    effect: Effect


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """What is committed of a migration.

    `alone` is the digest of a statement that was about to be sent outside of any transaction, where nobody
    recorded how it ended; `is_blind` tells that what it has left does not tell it either. `spoiled` is why the
    part cannot be gone on from. `returned` tells that one of its changes gave rows, which are not kept.
    """

    steps: tuple[Step, ...]
    alone: str | None
    spoiled: str | None
    runner: str
    since: datetime | None
    is_blind: bool = False
    returned: bool = False

    @property
    def stuck(self) -> str | None:
        """Why the same migration would not go on after it; None if it would."""
        unknown = "nobody has recorded how a statement ended that ran outside of a transaction"
        return self.spoiled or (unknown if self.is_blind else None)

    @property
    def changes(self) -> int:
        """How many of its statements changed something."""
        return sum(each.effect > Effect.NONE for each in self.steps)

    @property
    def may_have_left_something(self) -> bool:
        """Whether not all of it is rolled back for sure."""
        return bool(self.changes or self.stuck or self.alone)

    @property
    def may_be_repeated(self) -> bool:
        """Whether the migration may as well be run from its beginning."""
        unclear = self.spoiled is not None or self.alone is not None
        return not unclear and all(each.effect < Effect.ONCE for each in self.steps)


def parts_of(entries: Iterable[Entry]) -> dict[tuple[str, str], Part]:
    """The parts by operation and revision, from the history's rows in the order of their commits."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        known = found.setdefault((entry.operation, entry.revision or ""), [])
        if not entry.details["from"]:
            known.clear()
        known.append(entry)
    return {key: _part(known) for key, known in found.items()}


def _part(entries: Sequence[Entry]) -> Part:
    details: Sequence[Mapping[str, Any]] = [each.details for each in entries]
    steps = (
        Step(digest, rows, Effect(effect)) for each in details for digest, rows, effect in each["statements"]
    )
    newest, last = entries[-1], details[-1]
    return Part(
        tuple(steps), last.get("alone"), last.get("spoiled"), newest.runner, newest.finished_at,
        is_blind=last.get("blind", False), returned=any(each.get("returned", False) for each in details),
    )  # fmt: skip


@dataclasses.dataclass(slots=True)
class _Statement:
    """What was sent and is not yet recorded; `state` is what a rollback makes of it.

    `digest` is None where the text tells it: of most statements nobody asks for it.
    """

    sql: str
    digest: str | None
    rowcount: int
    gave_rows: bool
    state: Literal["open", "there", "undone"]


class Journal:
    """One attempt at one migration."""

    def __init__(self, entry: Entry, part: Part | None = None) -> None:
        """`entry` is the row that the migration gets when it is done, which those of its parts are made from."""
        self.part = part
        self.statements = 0
        self._entry = entry
        self._earlier: tuple[Step, ...] = part.steps if part else ()
        self._written = len(self._earlier)
        self._sent: list[_Statement] = []
        self._spoiled: str | None = None

    @property
    def has_parts(self) -> bool:
        """Whether something of it was committed before its stamp."""
        return self._written > 0

    @property
    def is_replaying(self) -> bool:
        """Whether the migration has not yet come to what is new."""
        return self.statements < len(self._earlier)

    def replay(self, sent: Sent) -> Instead | None:
        """What goes to the server for a statement that was sent before; None: itself, as it changes nothing.

        Raises Diverged where it is another.
        """
        step = self._earlier[self.statements]
        if step.digest != digest_of(sent) or (sent.is_stream and step.effect > Effect.NONE):
            raise Diverged(f"statement {self.statements + 1} is another than the one that was committed")
        self.statements += 1
        return None if step.effect is Effect.NONE else Instead("", step.rowcount)

    def was_left_alone(self, sent: Sent) -> bool:
        """Whether an earlier attempt sent just this, outside of a transaction, and did not live to say more."""
        at_its_place = self.part is not None and self.statements == len(self._earlier)
        return at_its_place and self.part is not None and self.part.alone == digest_of(sent)

    def add(self, sent: Sent, cursor: AnyCursor, *, alone: bool = False) -> None:
        """The cursor has sent it; `alone` tells that it ran outside of any transaction, so that it stays."""
        gave_rows = cursor.description is not None
        self._note(sent, cursor.rowcount, "there" if alone else "open", gave_rows=gave_rows)

    def failed(self, sent: Sent) -> None:
        """A statement outside of a transaction has failed, and left nothing."""
        self._note(sent, -1, "undone")

    def undone(self) -> None:
        """What was sent since the last commit is rolled back: it may be sent again."""
        for each in self._sent:
            each.state = "undone" if each.state == "open" else each.state

    def _note(
        self, sent: Sent, rowcount: int, state: Literal["open", "there", "undone"], *, gave_rows: bool = False
    ) -> None:
        self.statements += 1
        # Many rows are not kept until the commit.
        digest = digest_of(sent) if len(sent.rows) > 1 else None
        self._sent.append(_Statement(sent.sql, digest, rowcount, gave_rows, state))

    def spoil(self, reason: str) -> None:
        """From here on nobody can tell what is committed with what."""
        self._spoiled = self._spoiled or reason

    def commits(
        self, driver: psycopg.Connection[Any], *, alone: Sent | None = None, is_blind: bool = False
    ) -> None:
        """Writes, in the connection's transaction, what commits with it; nothing if nothing was changed.

        `alone` is what is about to be sent outside of a transaction, and cannot tell by itself that it ran;
        `is_blind` tells that nothing else tells it.
        """
        steps = self._steps(driver)
        is_harmless = all(each.effect is Effect.NONE for each in steps)
        if is_harmless and not alone and not (self._spoiled and steps):
            return
        returned = any(
            each.gave_rows and step.effect > Effect.NONE for each, step in zip(self._sent, steps, strict=True)
        )
        about: dict[str, object] = {"alone": digest_of(alone)} if alone else {}
        about |= {name: True for name, holds in {"blind": is_blind, "returned": returned}.items() if holds}
        self._write(driver, steps, about)
        self._sent.clear()

    def answered(self, driver: psycopg.Connection[Any]) -> None:
        """What was about to be sent alone has failed, and has left nothing: it may be sent again."""
        self._write(driver, [], {})

    def _write(self, driver: psycopg.Connection[Any], steps: list[Step], about: Mapping[str, object]) -> None:
        details = {
            "from": self._written,
            "statements": [(each.digest, each.rowcount, int(each.effect)) for each in steps],
            **about,
            **({"spoiled": self._spoiled} if self._spoiled else {}),
        }
        part = dataclasses.replace(
            self._entry, outcome="partial", source=None, details=details, statements=self.statements
        )
        ledger.record_as_connected(driver, part)
        self._written += len(steps)

    def _steps(self, driver: psycopg.Connection[Any]) -> list[Step]:
        # The parser is loaded for what commits before its stamp.
        from notifydb.sql.effects import effect_of, functions_of
        from notifydb.sql.parse import parse

        parsed = [parse(each.sql) for each in self._sent]
        names = frozenset().union(*map(functions_of, parsed))
        harmless = plain(driver).execute(_HARMLESS, (list(names),)) if names else ()
        # What is not there any more may have been anything.
        volatile = names - {name for (name,) in harmless}
        return [
            Step(
                each.digest or digest_of(Sent(each.sql)),
                each.rowcount,
                Effect.NONE if each.state == "undone" else effect_of(statements, volatile),
            )
            for each, statements in zip(self._sent, parsed, strict=True)
        ]


def digest_of(sent: Sent) -> str:
    """Of the text and all of its rows."""
    digest = hashlib.blake2b(_SAVEPOINT.sub("", sent.sql).encode(), digest_size=8)
    if len(sent.rows) > 1:
        digest.update(repr(sent.rows).encode())
    return digest.hexdigest()
