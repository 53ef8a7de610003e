"""Engines on psycopg 3 that run old migrations as psycopg2 ran them."""

from __future__ import annotations

import atexit
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg.adapt import RecursiveDumper
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row
from sqlalchemy import event

from notifydb.settings.url import normalise_url

#: In `Connection.info` while a migration has ended its transaction itself.
LEFT_TRANSACTION = "notifydb_left_transaction"
_OWN: Final[dict[str, sa.Engine]] = {}


def make_engine(
    url: str, *, application_name: str = "notifydb", connect_timeout: int = 10, keeps: bool = False
) -> sa.Engine:
    """An engine whose connections are each opened for a purpose and closed after it; `connect_timeout` in seconds.

    Where it `keeps` one, the last that is given back serves whoever asks next, if the server still knows it.
    """
    pool: dict[str, Any] = {"pool_size": 1, "max_overflow": -1, "pool_pre_ping": True}
    engine = sa.create_engine(
        normalise_url(url),
        **(pool if keeps else {"poolclass": sa.NullPool}),
        # To know the type takes questions of its own, and what notifydb asks has no such values.
        use_native_hstore=not keeps,
        connect_args={
            "application_name": application_name,
            "connect_timeout": connect_timeout,
            # Binds in the client, as psycopg2 did: the server cannot tell the type of every old parameter.
            "cursor_factory": psycopg.ClientCursor,
        },
    )
    _let_text_be_text(engine)
    _let_migrations_commit(engine)
    _let_percent_signs_stand(engine)
    _let_tuples_be_lists(engine)
    return engine


def own_engine(url: str) -> sa.Engine:
    """As `make_engine`, one for each URL, which keeps one connection: what a command asks at its beginning is
    a handful of questions, and to connect takes longer than to answer most of them."""
    if url not in _OWN:
        _OWN[url] = make_engine(url, keeps=True)
        _let_times_be_read(_OWN[url])
    return _OWN[url]


@atexit.register
def disconnect() -> None:
    """Closes the connections that `own_engine` has kept."""
    for engine in _OWN.values():
        engine.dispose()


def plain_url(url: str) -> str:
    """The URL as libpq takes it, without SQLAlchemy's driver."""
    return sa.make_url(normalise_url(url)).set(drivername="postgresql").render_as_string(hide_password=False)


def autocommit_engine(url: str, *, application_name: str = "notifydb") -> sa.Engine:
    """An engine whose statements each commit by themselves: for locks, databases and settings."""
    engine = make_engine(url, application_name=application_name)
    _let_times_be_read(engine)
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def _let_text_be_text(engine: sa.Engine) -> None:
    """A server that knows no encoding sends bytes, of which psycopg2 made text."""

    # SQLAlchemy's own listener asks for the version, as text.
    @event.listens_for(engine, "connect", insert=True)
    def encode(driver: psycopg.Connection[Any], _record: Any) -> None:
        if driver.info.parameter_status("client_encoding") == "SQL_ASCII":
            _set(driver, "client_encoding", "UTF8")


def _let_times_be_read(engine: sa.Engine) -> None:
    """psycopg reads times in no other style; a migration's session keeps its own, which its literals may be of."""

    @event.listens_for(engine, "connect")
    def style(driver: psycopg.Connection[Any], _record: Any) -> None:
        if not (driver.info.parameter_status("DateStyle") or "").startswith("ISO"):
            _set(driver, "DateStyle", "ISO")


def _set(driver: psycopg.Connection[Any], name: str, value: str) -> None:
    before, driver.autocommit = driver.autocommit, True
    plain(driver).execute("SELECT set_config(%s, %s, false)", (name, value))
    driver.autocommit = before


def _let_migrations_commit(engine: sa.Engine) -> None:
    """After a raw `COMMIT` of a migration, stay outside of a transaction until SQLAlchemy begins the next.

    psycopg2 did just that; psycopg 3 begins a new one before the next statement, so that the
    CREATE INDEX CONCURRENTLY which such a COMMIT makes way for would fail.
    """

    @event.listens_for(engine, "after_cursor_execute")
    def notice_commit(conn: sa.Connection, *_: Any) -> None:
        driver = driver_of(conn)
        if not driver.autocommit and driver.info.transaction_status is TransactionStatus.IDLE:
            driver.autocommit = True
            conn.info[LEFT_TRANSACTION] = True

    @event.listens_for(engine, "begin")
    def return_to_transactions(conn: sa.Connection) -> None:
        if conn.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return
        if conn.info.pop(LEFT_TRANSACTION, False):
            driver_of(conn).autocommit = False


def _let_percent_signs_stand(engine: sa.Engine) -> None:
    """A `%` in a plain string without parameters is a percent sign, as it was for psycopg2."""

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def double(
        _conn: sa.Connection, _cursor: Any, statement: str, parameters: Any, context: Any, _many: bool
    ) -> tuple[str, Any]:
        is_plain = context is not None and context.compiled is None and not parameters
        return (statement.replace("%", "%%") if is_plain else statement), parameters


def _let_tuples_be_lists(engine: sa.Engine) -> None:
    """`WHERE id IN :ids` with a tuple: psycopg2 wrote `(1, 2)`, psycopg 3 would write a composite value."""

    @event.listens_for(engine, "connect")
    def register(driver: psycopg.Connection[Any], _record: Any) -> None:
        driver.adapters.register_dumper(tuple, _ListDumper)


class _ListDumper(RecursiveDumper):
    def dump(self, obj: tuple[Any, ...]) -> bytes:
        return b"(" + b", ".join(self._tx.as_literal(each) for each in obj) + b")"

    def quote(self, obj: tuple[Any, ...]) -> bytes:
        return self.dump(obj)


def begin_again(conn: sa.Connection) -> bool:
    """Begins a transaction where a migration has ended its own, and tells so; SQLAlchemy's commit ends it."""
    driver = driver_of(conn)
    if not driver.autocommit or driver.info.transaction_status is not TransactionStatus.IDLE:
        return False
    plain(driver).execute("BEGIN")
    return True


def plain(driver: psycopg.Connection[Any]) -> psycopg.Cursor[Any]:
    """A cursor that tells nobody what it sends, whoever listens to the connection's own ones."""
    return psycopg.Cursor(driver, row_factory=tuple_row)


def driver_of(conn: sa.Connection) -> psycopg.Connection[Any]:
    """psycopg's connection below SQLAlchemy's."""
    driver = conn.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
