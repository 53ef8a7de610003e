"""What a runner tells while it works."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime

from notifydb import errors
from notifydb.migrator import events as migrator
from notifydb.postgres.activity import Building, Session, Wait


@dataclasses.dataclass(frozen=True, slots=True)
class Waiting:
    """Another runner holds the lock; `holder` says who."""

    holder: str


@dataclasses.dataclass(frozen=True, slots=True)
class Unmarked:
    """The empty database could not be marked for what it is, and why."""

    error: errors.ConfigurationError


@dataclasses.dataclass(frozen=True, slots=True)
class Replaced:
    """These revisions were applied from other files than the ones here."""

    revisions: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Blocked:
    """The migration waits for a lock; told again when that changes, and every few seconds."""

    revision: str
    wait: Wait


@dataclasses.dataclass(frozen=True, slots=True)
class Retrying:
    """The migration was rolled back and is tried again in `seconds`; `wait` is what was in its way, if seen."""

    revision: str
    attempt: int
    attempts: int
    seconds: float
    reason: str
    wait: Wait | None


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """An index is being built; `wait` is the transaction that the build waits for."""

    revision: str
    building: Building
    wait: Wait | None


@dataclasses.dataclass(frozen=True, slots=True)
class Working:
    """The migration has been at work for `seconds` and waits for nobody; told now and then."""

    revision: str
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Healed:
    """An INVALID index that a failed build left was dropped, before (`again`) or after the migration's own."""

    revision: str
    index: str
    again: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Built:
    """The index that the migration is to build is there already, valid and of the same definition."""

    revision: str
    index: str


@dataclasses.dataclass(frozen=True, slots=True)
class Continued:
    """An earlier attempt had committed the first `statements`; they are not sent again."""

    revision: str
    statements: int
    since: datetime | None
    runner: str


@dataclasses.dataclass(frozen=True, slots=True)
class Cancelled:
    """A session that blocked the migration was ended."""

    revision: str
    session: Session


@dataclasses.dataclass(frozen=True, slots=True)
class Unwatched:
    """Who blocks the migration cannot be told, and why."""

    reason: str


Event = (
    migrator.Event
    | Waiting
    | Unmarked
    | Replaced
    | Blocked
    | Retrying
    | Progress
    | Working
    | Healed
    | Built
    | Continued
    | Cancelled
    | Unwatched
)
Listener = Callable[[Event], None]
