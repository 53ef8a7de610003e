"""The journal of purges in the schema notifydb: what was begun, committed, finished and restored."""

from __future__ import annotations

import dataclasses
import secrets
from typing import Final

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.ledger import runner
from notifydb.purge.archive import Sealed

_THERE: Final = sa.text("SELECT to_regclass('notifydb.purge_segment') IS NOT NULL")
_BEGIN: Final = sa.text(
    """
    INSERT INTO notifydb.purge (id, prefix, plan, archive, runner)
    VALUES (:id, :prefix, :plan, :archive, :runner)
    """
)
_FINISH: Final = sa.text(
    """
    UPDATE notifydb.purge SET state = 'done', rows = :rows, finished_at = clock_timestamp()
    WHERE id = :id
    """
)
_FORGET: Final = sa.text("DELETE FROM notifydb.purge WHERE id = :id AND state = 'running'")
_EMPTY: Final = sa.text(
    "UPDATE notifydb.purge SET state = 'done', rows = 0, archive = NULL, finished_at = clock_timestamp()"
    " WHERE id = :id AND state = 'running'"
)
_SETTLE: Final = sa.text(
    "UPDATE notifydb.purge SET state = 'continued', finished_by = :id"
    " WHERE state = 'running' AND starts_with(prefix, :prefix) AND id <> :id"
)
_ADD: Final = sa.text(
    """
    INSERT INTO notifydb.purge_segment (purge, segment, relation, rows, sha256)
    SELECT :purge, * FROM unnest(CAST(:segments AS int[]), CAST(:relations AS text[]), CAST(:rows AS bigint[]),
                                 CAST(:hashes AS text[]))
    """
)
_UNFINISHED: Final = sa.text(
    "SELECT id, prefix, archive, runner, started_at::text AS since FROM notifydb.purge"
    " WHERE state = 'running' AND (starts_with(prefix, :prefix) OR starts_with(:prefix, prefix))"
    " ORDER BY started_at"
)
_STATE: Final = sa.text("SELECT state FROM notifydb.purge WHERE id = :id")
#: One that came to nothing has nothing to put back.
_CONTINUED: Final = sa.text(
    """
    SELECT o.id, o.prefix, o.archive, o.runner, o.started_at::text AS since
    FROM notifydb.purge o
    WHERE o.finished_by = :id AND EXISTS (SELECT FROM notifydb.purge_segment s WHERE s.purge = o.id)
    ORDER BY o.started_at
    """
)
_CONTINUING: Final = sa.text(
    """
    SELECT o.id, o.prefix, o.archive, o.runner, o.started_at::text AS since
    FROM notifydb.purge p JOIN notifydb.purge o ON o.id = p.finished_by
    WHERE p.id = :id AND EXISTS (SELECT FROM notifydb.purge_segment s WHERE s.purge = o.id)
    """
)
_SEGMENTS: Final = sa.text("SELECT segment, sha256 FROM notifydb.purge_segment WHERE purge = :id")
_RESTORED: Final = sa.text(
    "UPDATE notifydb.purge SET state = 'restored', finished_at = clock_timestamp() WHERE id = :id"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Unfinished:
    """A purge that was cut short; `archive` is the folder that holds what it had deleted by then, if any."""

    id: str
    prefix: str
    archive: str | None
    runner: str
    since: str


def new_id() -> str:
    """A purge's name in journal and archive."""
    return secrets.token_hex(4)


def begin(conn: sa.Connection, id_: str, *, prefix: str, plan: str, archive: str | None) -> None:
    """A purge begins; `archive` is where it writes, None for nowhere."""
    conn.execute(_BEGIN, {"id": id_, "prefix": prefix, "plan": plan, "archive": archive, "runner": runner()})


def forget(conn: sa.Connection, id_: str) -> None:
    """A purge that was begun has come to nothing; of a role that may delete no row here, it has purged none."""
    try:
        with conn.begin_nested():
            conn.execute(_FORGET, {"id": id_})
    except sqlalchemy.exc.ProgrammingError as error:
        if failures.sqlstate(error) != failures.INSUFFICIENT_PRIVILEGE:
            raise
        conn.execute(_EMPTY, {"id": id_})


def add(conn: sa.Connection, id_: str, segments: list[Sealed]) -> None:
    """Segments whose rows this transaction deletes: with its commit, the archive alone has them."""
    if not segments:
        return
    columns = {
        "segments": [each.segment for each in segments],
        "relations": [str(each.content.table) for each in segments],
        "rows": [each.rows for each in segments],
        "hashes": [each.sha256 for each in segments],
    }
    conn.execute(_ADD, {"purge": id_, **columns})


def finish(conn: sa.Connection, id_: str, *, prefix: str, rows: int) -> None:
    """The purge is done, and with it those that were cut short and whose prefix begins with its own.

    Raises InternalError where the journal does not know it.
    """
    if conn.execute(_FINISH, {"id": id_, "rows": rows}).rowcount != 1:
        raise errors.InternalError(f"the journal does not know purge {id_}")
    conn.execute(_SETTLE, {"id": id_, "prefix": prefix})


def unfinished(conn: sa.Connection, prefix: str) -> tuple[Unfinished, ...]:
    """The purges that were cut short and may have deleted rows of users of the prefix, the oldest first."""
    if not conn.scalar(_THERE):
        return ()
    return tuple(Unfinished(*row) for row in conn.execute(_UNFINISHED, {"prefix": prefix}))


def state_of(conn: sa.Connection, id_: str) -> str | None:
    """`running`, `done`, `continued` or `restored`; None where the database does not know the purge."""
    if not conn.scalar(_THERE):
        return None
    state: str | None = conn.scalar(_STATE, {"id": id_})
    return state


def continued_by(conn: sa.Connection, id_: str) -> tuple[Unfinished, ...]:
    """The purges that were cut short before, and that this one has finished, as far as they had deleted something."""
    return tuple(Unfinished(*row) for row in conn.execute(_CONTINUED, {"id": id_}))


def continuing(conn: sa.Connection, id_: str) -> tuple[Unfinished, ...]:
    """The purge that has finished this one, which was cut short."""
    return tuple(Unfinished(*row) for row in conn.execute(_CONTINUING, {"id": id_}))


def segments_of(conn: sa.Connection, id_: str) -> dict[int, str]:
    """The purge's committed segments, with the SHA-256 of each one's text."""
    return {row.segment: row.sha256 for row in conn.execute(_SEGMENTS, {"id": id_})}


def restored(conn: sa.Connection, id_: str) -> None:
    """All that the purge had deleted is back, with this transaction's commit."""
    conn.execute(_RESTORED, {"id": id_})
