"""Tries a transaction again that others were in the way of; it was rolled back and let go of all its locks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from notifydb import errors
from notifydb.postgres.patience import Patience, Terms
from notifydb.postgres.waits import lines_of
from notifydb.purge.events import Listener, Retrying
from notifydb.purge.onlooker import Onlooker
from notifydb.purge.session import StillReferred
from notifydb.settings.model import PurgeSettings

Found = TypeVar("Found")
#: A row that came meanwhile is seen the next time; what is still referred to then is so for another reason.
_SURPRISES: Final = 2


def terms_of(settings: PurgeSettings) -> Terms:
    """How long a transaction of a purge or a restore waits for others."""
    return Terms(settings.lock_timeout, settings.attempts, settings.deadline, section="purge")


def patiently(
    attempt: Callable[[], Found],
    terms: Terms,
    tell: Listener,
    onlooker: Onlooker,
    stop: threading.Event | None = None,
) -> Found:
    """What `attempt` returns, tried as often and as long as the terms say.

    Raises what it raises: at once where waiting mends nothing, a lost connection among them.
    """
    patience, stop, surprises = Patience(terms), stop or threading.Event(), 0
    while True:
        try:
            with onlooker.looking():
                return attempt()
        except (errors.LockNotAvailable, StillReferred) as error:
            surprises += isinstance(error, StillReferred)
            pause = None if stop.is_set() or surprises > _SURPRISES else patience.pause()
            if pause is None:
                error.hint = (
                    "run the same command again when nobody is in the way; what is committed stays so"
                )
                if isinstance(error, errors.LockNotAvailable) and onlooker.seen:
                    error.reasons = lines_of(onlooker.seen)
                raise
            tell(Retrying(error.message, patience.attempt, terms.attempts, pause, onlooker.seen))
            stop.wait(pause)
