"""What a run of migrations tells, without Alembic: who only listens does not load it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Literal

import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres.message import Message

Direction = Literal["up", "down", "stamp"]


@dataclasses.dataclass(frozen=True, slots=True)
class Planned:
    """What is going to run, in order; told once, before the first."""

    revisions: tuple[str, ...]
    direction: Direction


@dataclasses.dataclass(frozen=True, slots=True)
class Started:
    """A migration begins."""

    revision: str
    direction: Direction


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """The migration's function has returned; its stamp is next, in the transaction that is open now.

    `begun_again` tells that this is a new one, since the migration had ended its own.
    """

    revision: str
    direction: Direction
    begun_again: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """A migration has run; `message` has its stamp, and what is added to it now goes and commits with that.

    It is sent on `connection` when all listeners have been told.
    """

    revision: str
    direction: Direction
    seconds: float
    connection: sa.Connection
    message: Message


@dataclasses.dataclass(frozen=True, slots=True)
class Committed:
    """What the migration did is in the database, and its stamp with it."""

    revision: str


Event = Planned | Started | Ran | Applied | Committed
Listener = Callable[[Event], None]


@dataclasses.dataclass(frozen=True, slots=True)
class Failed:
    """A migration failed with `cause`; `error` is what the run would end with.

    Where it `is_closed`, the migration has closed its connection, and cannot be run again.
    """

    revision: str
    error: errors.NotifydbError
    cause: Exception
    is_closed: bool = False


#: Asked when a migration has failed and was rolled back: whether it is run again.
Again = Callable[[Failed], bool]
