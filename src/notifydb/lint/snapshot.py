"""A look at what a connection holds and has done, taken on that connection, and a second one to poll from."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from psycopg.rows import tuple_row

from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode

_COUNTS = """
    SELECT json_agg(json_build_array(relid::bigint, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0),
                                     n_tup_upd + n_tup_del))
    FROM {view}
    WHERE coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) + n_tup_upd + n_tup_del > 0
"""
_LOCKS = """
    SELECT json_agg(json_build_array(relation::bigint, mode)) FROM pg_locks
    WHERE pid = {pid} AND locktype = 'relation' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_RELATIONS = """
    SELECT json_agg(json_build_array(c.oid::bigint, n.nspname, c.relname, c.relkind, c.relfilenode::bigint,
                                     c.relkind = 'I' OR coalesce(i.indisvalid, true), h.inhparent::bigint))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid
    LEFT JOIN pg_inherits h ON h.inhrelid = c.oid AND h.inhseqno = 1
    WHERE c.relkind IN ('r', 'p', 'm', 'i', 'I')
      AND n.nspname NOT IN ('information_schema', 'notifydb') AND n.nspname !~ '^pg_'
      AND c.relname NOT IN ('alembic_version', 'alembic_version_pkc')
"""
_SNAPSHOT = f"""
    SELECT ({_LOCKS.format(pid="pg_backend_pid()")}), ({{counts}}), ({_RELATIONS}),
           (pg_current_wal_insert_lsn() - '0/0')::bigint, current_setting('lock_timeout')
"""
_HOLDING: Final = (
    "SELECT json_agg(oid::bigint) FROM pg_class WHERE oid = ANY (%s) AND pg_relation_size(oid) > 0"
)
_INSIDE: Final = _SNAPSHOT.format(counts=_COUNTS.format(view="pg_stat_xact_user_tables"))
_OUTSIDE: Final = _SNAPSHOT.format(counts=_COUNTS.format(view="pg_stat_user_tables"))
#: `pg_stat_force_next_flush` is there since Postgres 15 (docs section 27.2.3).
_FLUSH_SINCE = 150000


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A table, materialized view or index; `filenode` is its storage, a broken index is not `valid` (that of a
    partitioned table counts as valid: it waits for those of the partitions).

    `parent` is the oid of what it is a partition of, or inherits from.
    """

    relation: Relation
    is_index: bool
    filenode: int
    valid: bool
    parent: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Snapshot:
    """Keyed by oid: the strongest lock held, rows read, rows updated or deleted (None: unknown)."""

    locks: Mapping[int, LockMode]
    scanned: Mapping[int, int] | None
    changed: Mapping[int, int] | None
    relations: Mapping[int, Entry]
    wal: int
    lock_timeout: str


def inside(driver: psycopg.Connection[Any]) -> Snapshot:
    """The state within the open transaction; the query takes locks on catalogs only, which do not count."""
    return _snapshot(_ask(driver, _INSIDE), counted=True)


def outside(driver: psycopg.Connection[Any]) -> Snapshot:
    """The state between transactions, without beginning one; counts are of the whole database.

    The backend's counts are flushed first. Before Postgres 15 that cannot be asked for: then they are None.
    """
    autocommit = driver.autocommit
    driver.autocommit = True
    try:
        counted = driver.info.server_version >= _FLUSH_SINCE
        if counted:
            _ask(driver, "SELECT pg_stat_force_next_flush()")
        row = _ask(driver, _OUTSIDE)
    finally:
        driver.autocommit = autocommit
    return _snapshot(row, counted=counted)


def holding(driver: psycopg.Connection[Any], oids: Collection[int]) -> frozenset[int]:
    """Those of the relations that have storage with something in it.

    Asked only about what a statement has made anew: for others it might wait for a lock of the migration's own.
    """
    return frozenset(_ask(driver, _HOLDING, [list(oids)])[0] or ()) if oids else frozenset()


def _ask(driver: psycopg.Connection[Any], query: str, values: list[Any] | None = None) -> tuple[Any, ...]:
    """On a plain cursor: those of the connection tell a listener, who asks this, what they send."""
    row = psycopg.Cursor(driver, row_factory=tuple_row).execute(query, values, prepare=False).fetchone()
    assert row is not None
    return row


def started(snapshot: Snapshot) -> Snapshot:
    """The same state at the beginning of a transaction: nothing is held and nothing is counted."""
    return dataclasses.replace(snapshot, locks={}, scanned={}, changed={})


def _snapshot(row: tuple[Any, ...], *, counted: bool) -> Snapshot:
    locks, counts, relations, wal, lock_timeout = row
    return Snapshot(
        locks=_strongest(locks or []),
        scanned={oid: scanned for oid, scanned, _ in counts or []} if counted else None,
        changed={oid: changed for oid, _, changed in counts or []} if counted else None,
        relations={
            oid: Entry(Relation(name, schema), kind in ("i", "I"), filenode, valid, parent)
            for oid, schema, name, kind, filenode, valid, parent in relations or []
        },
        wal=wal,
        lock_timeout=lock_timeout,
    )


def _strongest(rows: list[Any]) -> dict[int, LockMode]:
    found: dict[int, LockMode] = {}
    for oid, mode in rows:
        found[oid] = max(found.get(oid, LockMode.ACCESS_SHARE), LockMode.from_catalog(mode))
    return found


class Sampler:
    """Polls another backend's locks from a connection of its own, for statements outside a transaction."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    @contextmanager
    def watching(self, pid: int) -> Iterator[dict[int, LockMode]]:
        """Fills the yielded mapping (oid to the strongest mode seen) until the block ends."""
        seen: dict[int, LockMode] = {}
        with psycopg.connect(self._conninfo, autocommit=True, application_name="notifydb lint") as own:
            ready, done = threading.Event(), threading.Event()
            thread = threading.Thread(target=_poll, args=(own, pid, seen, ready, done), daemon=True)
            thread.start()
            ready.wait()
            try:
                yield seen
            finally:
                done.set()
                thread.join()


def _poll(
    own: psycopg.Connection[Any],
    pid: int,
    seen: dict[int, LockMode],
    ready: threading.Event,
    done: threading.Event,
) -> None:
    query = _LOCKS.format(pid=int(pid))
    try:
        while not done.is_set():
            row = own.execute(query).fetchone()
            for oid, mode in _strongest((row and row[0]) or []).items():
                seen[oid] = max(seen.get(oid, mode), mode)
            ready.set()
    finally:
        ready.set()
