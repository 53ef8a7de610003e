"""Cursors that tell what they send, whoever holds them: SQLAlchemy, or a migration that goes past it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

import psycopg
import sqlalchemy as sa

AnyCursor = psycopg.Cursor[Any] | psycopg.ServerCursor[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Sent:
    """What is about to be sent: the text, its parameters in it.

    Of many rows for one statement the text has the first, and `rows` all. `is_stream` tells of a COPY or a
    stream, which takes or gives rows while it runs. `query` is the statement as it was handed over.
    """

    sql: str
    rows: Sequence[Any] = ()
    is_stream: bool = False
    query: Any = None

    def in_full(self, driver: psycopg.Connection[Any]) -> str:
        """The text, for many rows once for each."""
        return ";\n".join(_bound(driver, self.query, row) for row in self.rows) if self.rows else self.sql


@dataclasses.dataclass(frozen=True, slots=True)
class Instead:
    """What goes to the server in place of a statement, and the row count that its cursor shall tell."""

    sql: str
    rowcount: int | None = None


#: Called around each statement as a context manager, with the cursor that sends it; what it yields is sent
#: instead, if it is something.
Sending = Callable[[AnyCursor, Sent], AbstractContextManager[Instead | None]]


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
    """Each way to send."""

    def __init__(self, *args: Any, sending: Sending, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sending = sending
        self._told_rowcount: int | None = None

    @property
    def rowcount(self) -> int:
        return super().rowcount if self._told_rowcount is None else self._told_rowcount

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        with self._telling(query, params) as instead:
            if instead is not None:
                return self._replaced(instead)
            if _binds_nothing(query, params):
                params = None
            return super().execute(query, params, **options)

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        rows = list(params_seq)
        with self._telling(query, rows[0] if rows else None, rows=rows) as instead:
            if instead is not None:
                self._replaced(instead)
            else:
                super().executemany(query, rows, **options)

    def stream(self, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        with self._telling(query, params, is_stream=True):
            yield from super().stream(query, params, **options)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Iterator[psycopg.Copy]:
        with (
            self._telling(statement, params, is_stream=True),
            super().copy(statement, params, **options) as copy,
        ):
            yield copy

    def _telling(
        self, query: Any, params: Any, *, rows: Sequence[Any] = (), is_stream: bool = False
    ) -> AbstractContextManager[Instead | None]:
        self._told_rowcount = None
        text = _bound(self.connection, query, params)
        return self._sending(self, Sent(text, rows, is_stream, query))

    def _replaced(self, instead: Instead) -> Any:
        super().execute(instead.sql.encode())
        self._told_rowcount = instead.rowcount
        return self


class _ServerCursor(psycopg.ServerCursor[Any]):
    """Told when it is declared; what it fetches afterwards belongs to that."""

    def __init__(self, *args: Any, sending: Sending, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sending = sending

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        text = _bound(self.connection, query, params)
        with self._sending(self, Sent(text, is_stream=True)):
            return super().execute(query, params, **options)


def _bound(driver: psycopg.Connection[Any], query: Any, params: Any) -> str:
    """The text as the server sees it; as it was written where the parameters do not fit."""
    if isinstance(query, str) and (params is None or _binds_nothing(query, params)):
        return query
    cursor = psycopg.ClientCursor(driver)
    try:
        return cursor.mogrify(query, params)
    except psycopg.Error:
        return cursor.mogrify(query)


def _binds_nothing(query: Any, params: Any) -> bool:
    """Whether there is nothing to put into the text, and nothing in it that would be read as a place for that."""
    return params in ((), [], {}) and isinstance(query, str) and "%" not in query
