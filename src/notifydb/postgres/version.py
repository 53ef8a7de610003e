"""Alembic's own table: the revisions that a database says it is at."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from notifydb import errors

_TABLE: Final = sa.table("alembic_version", sa.column("version_num"))
#: The limit is kept with the four bytes of a length; -1 is none.
_ROOM: Final = sa.text(
    "SELECT atttypmod - 4 FROM pg_attribute"
    " WHERE attrelid = to_regclass('alembic_version') AND attname = 'version_num'"
)


def current(conn: sa.Connection) -> tuple[str, ...]:
    """The revisions that `alembic_version` holds; none when there is no such table.

    Raises HistoryError for a row without one, which a table that Alembic has not made may have.
    """
    if conn.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return ()
    found = tuple(conn.scalars(sa.select(_TABLE.c.version_num)))
    if None in found:
        raise errors.HistoryError(
            "alembic_version holds a row without a revision",
            hint="DELETE FROM alembic_version WHERE version_num IS NULL; then run the same command again",
        )
    return found


def room(conn: sa.Connection) -> int | None:
    """How many characters of an id the database's `alembic_version` holds; None where there is no such table."""
    found: int | None = conn.scalar(_ROOM)
    return sys.maxsize if found is not None and found < 0 else found


def replace_rows(conn: sa.Connection, old: Sequence[str], new: Sequence[str]) -> None:
    """Makes `alembic_version` hold `new` instead of `old`, in the connection's transaction.

    Raises HistoryError when it does not hold `old` any more.
    """
    held = conn.scalars(sa.delete(_TABLE).returning(_TABLE.c.version_num)).all()
    if set(held) != set(old):
        raise errors.HistoryError(
            f"alembic_version holds {', '.join(held)} now, and held {', '.join(old)} before",
            hint="somebody runs alembic on this database; wait for it, then run this again",
        )
    conn.execute(sa.insert(_TABLE), [{"version_num": each} for each in new])
