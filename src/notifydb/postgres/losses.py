"""What a transaction takes away: tables and columns dropped, rows deleted, tables truncated.

Nothing is taken away without a lock that is held until the commit: ACCESS EXCLUSIVE for DROP, ALTER and TRUNCATE,
cascades included, ROW EXCLUSIVE for rows (Postgres docs section 13.3.1). So the tables that a transaction has locked
are looked at as it sees them, and, from a second session, as everybody else still does. It does not matter which
statement, function or cascade did it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg

from notifydb.postgres.connect import plain
from notifydb.postgres.message import Look, Message

# Objects are told apart by oid and attribute number: a rename loses nothing.
#: The tables that the transaction has locked so, and what it did to them; the name is null where one is gone.
#: A column's row that is no older than the transaction is of its making (docs section 9.28.8, `age`). The row of the
#: column `tableoid` is written once, with the table's first version: whose transaction wrote it has made the table.
_SUSPECTS: Final = b"""
    SELECT l.oid::bigint, l.deleted, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
           pg_relation_filenode(c.oid)::bigint,
           EXISTS(SELECT FROM pg_attribute a
                  WHERE a.attrelid = c.oid AND a.attname = 'tableoid' AND a.xmin = pg_current_xact_id()::xid),
           ARRAY(SELECT a.attnum::int FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attisdropped AND age(a.xmin) <= 0 ORDER BY a.attnum)
    FROM (SELECT relation AS oid, bool_or(mode = 'AccessExclusiveLock') AS exclusive,
                 coalesce(pg_stat_get_xact_tuples_deleted(relation), 0) AS deleted
          FROM pg_locks
          WHERE pid = pg_backend_pid() AND locktype = 'relation' AND relation >= 16384
            AND mode IN ('AccessExclusiveLock', 'RowExclusiveLock')
          GROUP BY relation) l
    LEFT JOIN pg_class c ON c.oid = l.oid LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (l.exclusive OR l.deleted > 0) AND (c.relkind IN ('i', 't')) IS NOT TRUE
"""
#: The same tables as everybody else sees them.
_BEFORE: Final = b"""
    SELECT c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
           pg_relation_filenode(c.oid)::bigint,
           greatest(coalesce(pg_stat_get_live_tuples(c.oid), 0), c.reltuples)::bigint,
           ARRAY(SELECT a.attname::text FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
           ARRAY(SELECT a.attnum::int FROM pg_attribute a
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.oid = ANY(%s::oid[]) AND c.relkind IN ('r', 'p', 'f')
      AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname NOT IN ('information_schema', 'notifydb')
      AND c.relname <> 'alembic_version'
    ORDER BY c.oid
"""
#: What the server has yet to count of the session's deletes: nothing, as soon as it has.
_DELETED: Final = """
    SELECT oid, deleted FROM unnest(%s::oid[]) AS oid, pg_stat_get_xact_tuples_deleted(oid) AS deleted
    WHERE deleted > 0
"""
#: The server's count of live rows is an estimate; fewer missing rows than this share may be its error.
_TOLERANCE: Final = 0.1
#: As long as others commit while the rows are counted, they are counted again; so many times.
_LOOKS: Final = 3
#: The transaction itself may have locked a table against the other session, which has to see what others commit.
_COUNTING: Final = b"""
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout TO '200ms'; SET LOCAL row_security TO off
"""
_SNAPSHOT: Final = "SELECT pg_current_snapshot()::text"
_ISOLATION: Final = "SELECT current_setting('transaction_isolation')"

Cursor = psycopg.Cursor[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Suspect:
    """A table that the transaction has locked, or made; `gone` are numbers of columns that it has dropped."""

    deleted: int
    name: str | None
    filenode: int | None
    is_new: bool
    gone: tuple[int, ...]


Suspects = Mapping[int, Suspect]


@dataclasses.dataclass(frozen=True, slots=True)
class _Before:
    """The table before; `live` rows as the server estimates, `columns` by attribute number."""

    name: str
    filenode: int | None
    live: int
    columns: Mapping[int, str]


class Losses:
    """What the transactions of one session take away, one after the other; `others` gives another session."""

    def __init__(self, others: Callable[[], Cursor]) -> None:
        self._others = others
        # A table whose file is the one that was seen before, or made, was not emptied since.
        self._files: dict[int, int | None] = {}
        self._deleted_from: set[int] = set()
        self._unreported: Mapping[int, int] = {}
        self._prepared: set[psycopg.Connection[Any]] = set()

    def prepare(self, driver: psycopg.Connection[Any]) -> None:
        """Has the session's server plan the question once: that takes longer than answering it."""
        plain(driver).execute(b"PREPARE notifydb_suspects AS" + _SUSPECTS)
        self._prepared.add(driver)

    def forget(self) -> None:
        """What was prepared may have been discarded."""
        self._prepared.clear()

    def ask(self, message: Message, driver: psycopg.Connection[Any], look: Look) -> None:
        """Adds the question whose answer `doubted` understands, to be asked as the transaction is about to commit."""
        # What is deleted counts as the session's for as long as the server has not counted it, a rollback or not.
        # Older servers than 15 do it when they like, up to a second later.
        if driver.info.server_version >= 150_000:
            message.add("SELECT pg_stat_force_next_flush()")
        message.add("EXECUTE notifydb_suspects" if driver in self._prepared else _SUSPECTS.decode(), look)

    def begin(self, cursor: Cursor) -> None:
        """A transaction has begun: the server may not have counted yet what the session deleted before."""
        oids = list(self._deleted_from)
        self._unreported = dict(cursor.execute(_DELETED, (oids,)).fetchall()) if oids else {}
        self._deleted_from = set(self._unreported)

    def doubted(self, answer: Cursor) -> Suspects:
        """Those tables, by oid, that something may be taken from; `of` tells what."""
        found = {oid: self._suspect(oid, *rest) for oid, *rest in answer.fetchall()}
        self._deleted_from |= {oid for oid, each in found.items() if each.deleted > 0}
        doubted = {oid: each for oid, each in found.items() if self._is_doubted(oid, each)}
        self._files |= {oid: each.filenode for oid, each in found.items()}
        return doubted

    def of(self, doubted: Suspects, cursor: Cursor) -> Iterator[str]:
        """What the transaction takes away from them, a sentence each."""
        for before, now in self._tables(doubted):
            yield from _told(before, now, cursor)

    def are_none(self, doubted: Suspects, cursor: Cursor) -> bool:
        """Whether it has done no more than delete rows that a rollback to a savepoint brought back.

        The server counts them all the same. Where that cannot be told, the transaction may be of no use after it.
        """
        tables = self._tables(doubted)
        if any(now.name is None or now.gone or now.filenode != before.filenode for before, now in tables):
            return False
        deleted = [(before.name, now.name or "") for before, now in tables if now.deleted > 0]
        try:
            looks = (_are_all_there(deleted, cursor, self._others()) for _ in range(_LOOKS))
            return next((found for found in looks if found is not None), False)
        except psycopg.Error:
            return False

    def _tables(self, doubted: Suspects) -> list[tuple[_Before, Suspect]]:
        oids = list(doubted)
        found = self._others().execute(_BEFORE, (oids,)).fetchall() if oids else ()
        return [
            (_Before(name, file, live, dict(zip(numbers, names, strict=True))), doubted[oid])
            for oid, name, file, live, names, numbers in found
        ]

    def _suspect(
        self, oid: int, deleted: int, name: str | None, file: int | None, is_new: bool, gone: list[int]
    ) -> Suspect:
        return Suspect(deleted - self._unreported.get(oid, 0), name, file, is_new, tuple(gone))

    def _is_doubted(self, oid: int, each: Suspect) -> bool:
        if each.is_new:
            return False
        unchanged = oid in self._files and self._files[oid] == each.filenode
        return each.name is None or bool(each.gone) or each.deleted > 0 or not unchanged


def _told(before: _Before, now: Suspect, cursor: Cursor) -> Iterator[str]:
    if now.name is None:
        yield f"drops table {before.name}"
        return
    for number in now.gone:
        if number in before.columns:
            yield f"drops column {before.name}.{before.columns[number]}"
    if now.deleted > 0:
        yield f"deletes {now.deleted} row{'s' if now.deleted > 1 else ''} of {before.name}"
    if before.filenode != now.filenode and _is_emptied(before, now, cursor):
        yield f"truncates {before.name}"


def _are_all_there(tables: Sequence[tuple[str, str]], cursor: Cursor, others: Cursor) -> bool | None:
    """Whether the transaction sees each row that all others see, in the same version; None if others commit meanwhile.

    `tables` are called so by the others and by the transaction. What it sees and is older than itself is a part of
    what others see; where there are as many, it is all. Nobody has committed between two snapshots that are the same.
    """
    seen = ", ".join(f"(SELECT count(*) FROM ONLY {name})" for name, _ in tables)  # noqa: S608
    kept = ", ".join(f"(SELECT count(*) FROM ONLY {name} WHERE age(xmin) > 0)" for _, name in tables)  # noqa: S608
    with others.connection.transaction():
        others.execute(_COUNTING)
        ((before, *there),) = others.execute(f"{_SNAPSHOT}, {seen}".encode()).fetchall()
        ((isolation, *left),) = cursor.execute(f"{_ISOLATION}, {kept}".encode()).fetchall()
        ((after,),) = others.execute(_SNAPSHOT).fetchall()
    if isolation != "read committed":
        # It sees rows that somebody else has deleted since it began.
        return False
    return there == left if before == after else None


def _is_emptied(before: _Before, now: Suspect, cursor: Cursor) -> bool:
    """A new file is a rewrite or a TRUNCATE, whatever was inserted after it; a rewrite keeps the rows."""
    expected = before.live - max(now.deleted, 0)
    if expected <= 0:
        return False
    ((rows,),) = cursor.execute(f"SELECT count(*) FROM {now.name}".encode()).fetchall()  # noqa: S608
    return bool(expected - rows > before.live * _TOLERANCE)
