"""How large the tables of a database are, read so that it may be done in production at any time."""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.connect import make_engine
from notifydb.postgres.sizes import Sizes, TableSize

_CANCELLED = "57014"
#: Milliseconds; a server that is busier than that is left alone.
_PATIENCE = 10_000


def read_sizes(url: str) -> Sizes:
    """Reads the catalog in one read-only transaction of at most ten seconds, without locking any table.

    Raises DatabaseUnreachable, and Unavailable when the server takes longer.
    """
    engine = make_engine(url, application_name="notifydb lint --export-stats")
    with _patience(), engine.begin() as conn:
        conn.exec_driver_sql("SET TRANSACTION READ ONLY")
        conn.exec_driver_sql(f"SET LOCAL statement_timeout = {_PATIENCE}")
        version = int(conn.exec_driver_sql("SHOW server_version_num").scalar_one())
        rows = conn.exec_driver_sql(_query()).mappings().all()
    return Sizes(
        datetime.now(UTC).replace(microsecond=0),
        version,
        {
            f"{row['schema']}.{row['name']}": TableSize(
                row["rows"], row["bytes"], row["toast_bytes"], row["index_bytes"], row["partitions"]
            )
            for row in rows
        },
    )


def _query() -> str:
    return (
        importlib.resources.files("notifydb.postgres")
        .joinpath("sql", "sizes.sql")
        .read_text(encoding="utf-8")
    )


@contextmanager
def _patience() -> Iterator[None]:
    try:
        with failures.translated():
            yield
    except sa.exc.DBAPIError as error:
        if failures.sqlstate(error) != _CANCELLED:
            raise
        raise errors.Unavailable(
            "the server took more than ten seconds to read its catalog", hint="try again when it is less busy"
        ) from error
