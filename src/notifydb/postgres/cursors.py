"""Cursors that tell what they send, whoever holds them: SQLAlchemy, or a migration that goes past it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa

#: Called with the connection and the text, its parameters in it, as a context manager around each statement.
Sending = Callable[[psycopg.Connection[Any], str], AbstractContextManager[None]]


@contextmanager
def telling(engine: sa.Engine, sending: Sending) -> Iterator[None]:
    """Wraps in `sending` whatever goes over connections that the engine opens during the block."""

    def opened(driver: Any, _record: Any) -> None:
        driver.cursor_factory = partial(_Cursor, sending=sending)
        driver.server_cursor_factory = partial(_ServerCursor, sending=sending)

    sa.event.listen(engine, "connect", opened)
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", opened)


class _Cursor(psycopg.ClientCursor[Any]):
    """Each way to send; of many rows for one statement, the first is told."""

    def __init__(self, *args: Any, sending: Sending, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sending = sending

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        with self._telling(query, params):
            return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        rows = list(params_seq)
        with self._telling(query, rows[0] if rows else None):
            super().executemany(query, rows, **options)

    def stream(self, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        with self._telling(query, params):
            yield from super().stream(query, params, **options)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[psycopg.Copy]:
        with self._telling(statement, params), super().copy(statement, params, **options) as copy:
            yield copy

    def _telling(self, query: Any, params: Any) -> AbstractContextManager[None]:
        return self._sending(self.connection, _bound(self.connection, query, params))


class _ServerCursor(psycopg.ServerCursor[Any]):
    """Told when it is declared; what it fetches afterwards belongs to that."""

    def __init__(self, *args: Any, sending: Sending, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sending = sending

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        with self._sending(self.connection, _bound(self.connection, query, params)):
            return super().execute(query, params, **options)


def _bound(driver: psycopg.Connection[Any], query: Any, params: Any) -> str:
    """The text as the server sees it; as it was written where the parameters do not fit."""
    cursor = psycopg.ClientCursor(driver)
    try:
        return cursor.mogrify(query, params)
    except psycopg.Error:
        return cursor.mogrify(query)
