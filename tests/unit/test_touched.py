"""How long a lock is held: from the statement that takes it to the end of its transaction."""

from __future__ import annotations

from pathlib import Path

from notifydb.lint.context import RevisionContext
from notifydb.lint.options import Options
from notifydb.lint.sent import Sent
from notifydb.lint.statement import Execution
from notifydb.lint.statements import statements_of
from notifydb.lint.trace import Sample, Trace, TracedLock
from notifydb.migrator.frames import Frame
from notifydb.postgres.sizes import TableSize
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.reader import parse_module
from notifydb.runner.touched import Touched, touched
from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode

USERS, TEAMS = Relation("users", "public"), Relation("teams", "public")
KEY = ("public", "users")
MILLION = TableSize(1_000_000, bytes=100_000_000)
PATH = Path("/versions/0001_a.py")


def sent(
    transaction: int | None, milliseconds: float, *locks: TracedLock, sql: str = "SELECT 1", **seen: object
) -> Execution:
    trace = Trace(locks=locks, duration_ms=milliseconds, filled=True, rows={KEY: 1000}, **seen)  # type: ignore[arg-type]
    return Execution(sql, (Frame(PATH, 1, 1),), transaction, trace)


def on(table: Relation, mode: LockMode) -> TracedLock:
    return TracedLock(table, mode)


def seen(*executions: Execution) -> dict[tuple[str, int | None], Touched]:
    revision = Revision("0001_a", (), (), (), PATH)
    statements = Sent(statements_of(revision, executions, parse_module("", PATH)))
    options = Options(production={"public.users": MILLION, "public.teams": TableSize(10)})
    context = RevisionContext(
        History([revision]), frozenset(), options, Path("/"), revision=revision, statements=statements
    )
    return {(each.table.name, each.transaction): each for each in touched(context)}


def test_from_the_statement_that_takes_it_to_the_end_of_the_transaction() -> None:
    found = seen(
        sent(1, 5),
        sent(1, 10, on(TEAMS, LockMode.SHARE)),
        sent(1, 20, on(TEAMS, LockMode.ACCESS_EXCLUSIVE)),
        sent(1, 40),
        sent(2, 80, on(TEAMS, LockMode.SHARE)),
    )
    assert {place: (each.lock, each.held_ms) for place, each in found.items()} == {
        ("teams", 1): (LockMode.ACCESS_EXCLUSIVE, 60),
        ("teams", 2): (LockMode.SHARE, 80),
    }


def test_outside_of_a_transaction_each_is_given_back_at_once() -> None:
    lock = on(TEAMS, LockMode.SHARE_UPDATE_EXCLUSIVE)
    found = seen(sent(None, 5, lock), sent(None, 50, lock), sent(None, 7, lock))
    assert found["teams", None].held_ms == 50


def test_what_grows_with_a_large_table_is_scaled_or_not_known() -> None:
    lock, scan = on(USERS, LockMode.ACCESS_EXCLUSIVE), {USERS: 1000}
    assert seen(sent(1, 5, lock, scanned=scan))["users", 1].held_ms is None
    sample = Sample(21, 1, {KEY: 20_000}, {KEY: 2_000_000})
    scaled = seen(sent(1, 5, lock, scanned=scan, sample=sample), sent(1, 4))["users", 1]
    assert (scaled.held_ms, scaled.scanned, scaled.size) == (1 + 20 * 50 + 4, True, MILLION)


def test_a_few_rows_of_a_large_table_do_not_grow_with_it() -> None:
    found = seen(sent(1, 5, on(USERS, LockMode.ACCESS_EXCLUSIVE), scanned={USERS: 3}))["users", 1]
    assert (found.held_ms, found.scanned) == (5, False)


def test_without_a_trace_the_documented_locks_are_told() -> None:
    alter = "ALTER TABLE users ADD COLUMN team integer REFERENCES teams (id)"
    found = seen(
        Execution(alter, (Frame(PATH, 1, 1),), 1),
        Execution("CREATE TABLE new (id integer)", (Frame(PATH, 1, 1),), 1),
    )
    assert {place: (each.lock, each.held_ms) for place, each in found.items()} == {
        ("users", 1): (LockMode.ACCESS_EXCLUSIVE, None),
        ("teams", 1): (LockMode.SHARE_ROW_EXCLUSIVE, None),
    }


def test_the_strongest_lock_and_the_largest_table_come_first() -> None:
    share = LockMode.SHARE
    found = seen(
        sent(1, 5, on(TEAMS, share), on(USERS, share)), sent(2, 5, on(TEAMS, LockMode.ACCESS_EXCLUSIVE))
    )
    assert list(found) == [("teams", 2), ("users", 1), ("teams", 1)]
    assert seen(sent(1, 5, on(TEAMS, LockMode.ACCESS_SHARE))) == {}
