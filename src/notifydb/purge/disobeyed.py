"""Rows that a trigger keeps as they are: told at once, as no later attempt would find it otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg
import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.relations import TableName
from notifydb.purge.session import STILL_REFERRED


def require_none(conn: sa.Connection, table: TableName, condition: str, doing: str) -> None:
    """Raises ProofFailed where rows `t` of the table fulfil the condition: they were kept from `doing` something."""
    rows = conn.scalar(sa.text(f"SELECT count(*) FROM {table.sql} t WHERE {condition}"))  # noqa: S608
    if rows:
        kept = "1 row" if rows == 1 else f"{rows:,} rows"
        raise _disobeyed(f"a trigger of {table} keeps {kept} from {doing}")


@contextmanager
def suspecting(triggered: Collection[TableName]) -> Iterator[None]:
    """Where rows are still referred to, by one of these tables that have triggers on DELETE: raises ProofFailed."""
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        referring = _referring(error)
        if referring not in triggered or failures.sqlstate(error) not in STILL_REFERRED:
            raise
        why = failures.first_line(error)
        raise _disobeyed(
            f"a trigger of {referring} keeps rows that refer to others that go: {why}"
        ) from error


def _referring(error: sa.exc.DBAPIError | psycopg.Error) -> TableName | None:
    """The table whose foreign key is broken."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    said = original.diag if isinstance(original, psycopg.Error) else None
    if said is None or said.schema_name is None or said.table_name is None:
        return None
    return TableName(said.schema_name, said.table_name)


def _disobeyed(why: str) -> errors.ProofFailed:
    return errors.ProofFailed(
        f"the purge did not do what was planned and was undone: {why}",
        hint="mend the trigger, or disable it (ALTER TABLE ... DISABLE TRIGGER), and run it again",
    )
