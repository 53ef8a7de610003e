"""How the sessions are set up that migrations run in, and those beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import psycopg

from notifydb.postgres.connect import plain

#: The server looks that often whether a busy session's client is still there (PostgreSQL 14 and later).
_CHECK_CLIENT: Final = "SELECT set_config('client_connection_check_interval', '2s', false)"
#: Of a view, since PostgreSQL 13 does not know the timeout of idle sessions.
_LET_IDLE: Final = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = ANY(%s)"
_LIMITS: Final = "SELECT current_setting('lock_timeout'), current_setting('statement_timeout')"
_LIMIT: Final = "SELECT set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false)"


def end_with_the_client(driver: psycopg.Connection[Any]) -> bool:
    """Lets the server end a statement whose client was killed, and tells whether it can notice that.

    The connection is outside of a transaction, in autocommit, or the server is known to be able.
    """
    with suppress(psycopg.errors.UndefinedObject, psycopg.errors.InvalidParameterValue):
        plain(driver).execute(_CHECK_CLIENT)
        return True
    return False


def limit_locks(driver: psycopg.Connection[Any], seconds: float) -> None:
    """Each statement waits so long for a lock; 0 is without end."""
    plain(driver).execute("SELECT set_config('lock_timeout', %s, false)", (in_milliseconds(seconds),))


def in_milliseconds(seconds: float) -> str:
    """A timeout as the server takes it; only 0 is without end."""
    return f"{max(round(seconds * 1000), 1 if seconds else 0)}ms"


def allow_idling(driver: psycopg.Connection[Any], *, in_transactions: bool = True) -> None:
    """Keeps the server from ending the session while it waits, whatever the role has set."""
    names = ["idle_session_timeout", *(["idle_in_transaction_session_timeout"] if in_transactions else ())]
    plain(driver).execute(_LET_IDLE, (names,))


@contextmanager
def without_limits(driver: psycopg.Connection[Any]) -> Iterator[None]:
    """Neither lock nor statement timeout for the block, which is outside of a transaction."""
    cursor = plain(driver)
    before = cursor.execute(_LIMITS).fetchone()
    cursor.execute(_LIMIT, ("0", "0"))
    try:
        yield
    finally:
        if not driver.closed:
            cursor.execute(_LIMIT, before)
