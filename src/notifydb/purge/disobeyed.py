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
    """Where rows are still referred to, by one of these tables that have triggers on DELETE: raises ProofFailed.

    All that could be referred to is locked: nobody else can have brought a row that does so.
    """
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        if not triggered or failures.sqlstate(error) not in STILL_REFERRED:
            raise
        names = ", ".join(map(str, triggered))
        why = failures.first_line(error)
        raise _disobeyed(f"a trigger of {names} keeps rows that refer to others that go: {why}") from error


def _disobeyed(why: str) -> errors.ProofFailed:
    return errors.ProofFailed(
        f"the purge did not do what was planned and was undone: {why}",
        hint="mend the trigger, or disable it (ALTER TABLE ... DISABLE TRIGGER), and run it again",
    )
