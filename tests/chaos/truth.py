"""What has to be true of a database: in between, and when its history is at head."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import sqlalchemy as sa

from notifydb.postgres.catalog import Catalog, catalog_at, compare
from notifydb.postgres.connect import make_engine

_TABLES = """
    SELECT quote_ident(tablename) FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1
"""
_VERSIONS = "SELECT version_num FROM alembic_version"
_DONE = "SELECT revision FROM notifydb.history WHERE operation = 'upgrade' AND outcome = 'done' ORDER BY id"
_AFTER_DONE = """
    SELECT h.revision || ': ' || h.outcome FROM notifydb.history h JOIN notifydb.history d USING (revision)
    WHERE d.outcome = 'done' AND h.id > d.id
"""
_OUTCOMES = """
    SELECT count(*) FROM notifydb.history WHERE outcome = :outcome AND revision = :revision AND finished_at >= :since
"""


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """The schema, and the rows of each table in an order that does not depend on when they came."""

    catalog: Catalog
    rows: dict[str, list[str]]


def state_of(url: str) -> State:
    with make_engine(url).connect() as conn:
        tables = conn.exec_driver_sql(_TABLES).scalars().all()
        rows = {each: _rows(conn, each) for each in tables}
    return State(catalog_at(url), rows)


def _rows(conn: sa.Connection, table: str) -> list[str]:
    found = conn.exec_driver_sql(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1").scalars()
    return [str(each) for each in found]


def differences(expected: State, actual: State) -> Iterator[str]:
    """What is not the same, a line each."""
    for drift in compare(expected.catalog, actual.catalog):
        yield f"{drift.kind} {drift.name} is {drift.actual}, not {drift.expected}"
    for table in expected.rows.keys() & actual.rows.keys():
        wanted, found = expected.rows[table], actual.rows[table]
        if wanted != found:
            missing = [each for each in wanted if each not in found]
            extra = [each for each in found if each not in wanted]
            yield f"{table} has {len(found)} rows, not {len(wanted)}; missing {missing[:2]}, extra {extra[:2]}"


def stamped_at(url: str) -> str | None:
    """The revision that the database is at."""
    with _snapshot(url) as conn:
        return _stamped(conn)


def untruths(url: str, revisions: tuple[str, ...]) -> Iterator[str]:
    """Where the history says something else than the stamp, at this moment."""
    with _snapshot(url) as conn:
        at = _stamped(conn)
        done = _all(conn, "notifydb.history", _DONE)
        late = _all(conn, "notifydb.history", _AFTER_DONE)
    expected = list(revisions[: revisions.index(at) + 1]) if at else []
    if done != expected:
        yield f"stamped at {at}, but done are {done[-3:]} ({len(done)}, not {len(expected)})"
    yield from (f"after its end the history has {each}" for each in late)


def count_rows(url: str, outcome: str, revision: str, since: object) -> int:
    """How many rows the history has of that outcome since then."""
    with make_engine(url).connect() as conn:
        row = {"outcome": outcome, "revision": revision, "since": since}
        return int(conn.scalar(sa.text(_OUTCOMES), row) or 0)


def _snapshot(url: str) -> sa.Connection:
    return make_engine(url).connect().execution_options(isolation_level="REPEATABLE READ")


def _stamped(conn: sa.Connection) -> str | None:
    found = _all(conn, "alembic_version", _VERSIONS)
    assert len(found) < 2, found
    return found[0] if found else None


def _all(conn: sa.Connection, table: str, query: str) -> list[str]:
    if conn.scalar(sa.text("SELECT to_regclass(:table)"), {"table": table}) is None:
        return []
    return [str(each) for each in conn.exec_driver_sql(query).scalars()]
