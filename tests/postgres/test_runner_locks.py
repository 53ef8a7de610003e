"""What a run does when others are in its way: it gives way, tells who it was, and comes back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest

from conftest import MakeRunner, SmallProject, name_of, query
from notifydb import errors, guard
from notifydb.guard import Mark, Operation, Request, Target
from notifydb.migrator.events import Ran
from notifydb.postgres.connect import plain_url
from notifydb.postgres.patience import Cancelling, Terms
from notifydb.runner.events import Blocked, Cancelled, Progress, Retrying
from notifydb.settings import Environment, Voice

USERS = "op.execute(\"CREATE TABLE users (id int, name text); INSERT INTO users VALUES (1, 'secret')\")"
ADD = 'op.add_column("users", sa.Column("age", sa.Integer))'
QUICK = Terms(lock_timeout=0.4, attempts=20, deadline=30)


@contextmanager
def holding(url: str, sql: str, *, name: str = "psql", seconds: float | None = None) -> Iterator[None]:
    """Another session in a transaction that has run `sql`; it ends after the block, or by itself."""
    with psycopg.connect(plain_url(url), application_name=name) as other:
        other.execute(sql.encode())
        timer = threading.Timer(seconds, other.rollback) if seconds is not None else None
        if timer:
            timer.start()
        try:
            yield
        finally:
            if timer:
                timer.join()


@pytest.fixture
def users(small_project: SmallProject, make_runner: MakeRunner) -> SmallProject:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    return small_project


def test_a_lock_that_is_held_for_a_while_is_got_at_a_later_attempt(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    events: list[object] = []
    with holding(database, "SELECT * FROM users WHERE name = 'secret'", seconds=1.5):
        make_runner(terms=QUICK, listen=events.append).upgrade()
    retries = [each for each in events if isinstance(each, Retrying)]
    assert retries
    wait = retries[0].wait
    assert wait is not None
    assert wait.wants == "AccessExclusiveLock on users"
    (blocker,) = wait.blockers
    assert (blocker.session.application, blocker.session.state) == ("psql", "idle in transaction")
    assert blocker.session.query == "SELECT * FROM users WHERE name = ?"
    row = query(database, "SELECT retries, statements FROM notifydb.history WHERE revision = '0002_age'")
    assert row == [(len(retries), 1)]


def test_attempts_come_to_an_end_and_the_error_names_who_was_in_the_way(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    terms = Terms(lock_timeout=0.3, attempts=2, deadline=30)
    with holding(database, "LOCK TABLE users"), pytest.raises(errors.LockNotAvailable) as caught:
        make_runner(terms=terms).upgrade()
    assert "tried 2 times" in caught.value.message
    assert caught.value.reasons[0] == "waits for AccessExclusiveLock on users"
    assert caught.value.reasons[1].startswith("blocked by psql (pid ")
    assert query(database, "SELECT version_num FROM alembic_version") == [("0001_users",)]
    assert query(database, "SELECT outcome, retries FROM notifydb.history ORDER BY id DESC LIMIT 1") == [
        ("failed", 1)
    ]


def test_the_deadline_ends_a_wait_that_no_timeout_ends(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    terms = Terms(lock_timeout=0, deadline=0.5)
    began = time.monotonic()
    with holding(database, "LOCK TABLE users"), pytest.raises(errors.LockNotAvailable, match="deadline"):
        make_runner(terms=terms).upgrade()
    assert time.monotonic() - began < 10


def test_a_deadlock_is_tried_again(database: str, users: SmallProject, make_runner: MakeRunner) -> None:
    users.add("0002_more", 'op.execute("CREATE TABLE more (id int)")')
    make_runner().upgrade()
    users.add(
        "0003_both",
        'op.execute("LOCK TABLE users"); op.execute("SELECT pg_sleep(0.6)"); op.execute("LOCK TABLE more")',
    )
    events: list[object] = []
    with psycopg.connect(plain_url(database)) as other:
        other.execute("SET deadlock_timeout = '20s'")
        other.execute("LOCK TABLE more")

        def second() -> None:
            time.sleep(0.3)
            other.execute("LOCK TABLE users")
            other.rollback()

        thread = threading.Thread(target=second)
        thread.start()
        make_runner(terms=Terms(lock_timeout=0, deadline=30), listen=events.append).upgrade()
        thread.join()
    assert [each.reason for each in events if isinstance(each, Retrying)] == ["deadlock detected"]


def test_what_is_no_lock_is_not_tried_again(users: SmallProject, make_runner: MakeRunner) -> None:
    users.add("0002_fails", 'op.execute("SELECT 1/0")')
    events: list[object] = []
    with pytest.raises(errors.MigrationFailed):
        make_runner(terms=QUICK, listen=events.append).upgrade()
    assert not [each for each in events if isinstance(each, Retrying)]


def test_who_queues_behind_the_migration_is_told(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    events: list[object] = []
    terms = Terms(lock_timeout=3, attempts=1, deadline=30)

    def web() -> None:
        time.sleep(0.7)
        with psycopg.connect(plain_url(database), application_name="web") as conn:
            conn.execute("SELECT count(*) FROM users")

    thread = threading.Thread(target=web)
    with holding(database, "SELECT * FROM users"):
        thread.start()
        with pytest.raises(errors.LockNotAvailable) as caught:
            make_runner(terms=terms, listen=events.append).upgrade()
    thread.join()
    assert caught.value.reasons[-1].startswith("1 queued behind it: web (pid ")
    assert any(isinstance(each, Blocked) for each in events)


def _permit(url: str) -> guard.Permit:
    target = Target(name_of(url), Mark("missing"))
    return guard.permit(Request(Operation.CANCEL_BLOCKERS, target, (Voice("a test", Environment.TEST),)))


def test_blockers_of_a_named_application_are_ended_when_they_are_old_enough(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    events: list[object] = []
    cancelling = Cancelling(("celery*",), 0.5, _permit(database))
    terms = Terms(lock_timeout=0.4, attempts=20, deadline=20, cancelling=cancelling)
    with suppress(psycopg.OperationalError), holding(database, "SELECT * FROM users", name="celery worker"):
        make_runner(terms=terms, listen=events.append).upgrade()
    assert [each.session.application for each in events if isinstance(each, Cancelled)] == ["celery worker"]
    rows = query(
        database,
        "SELECT operation, details->>'application' FROM notifydb.history WHERE operation LIKE 'cancel%'",
    )
    assert rows == [("cancel blockers", "celery worker")]


def test_blockers_of_other_applications_are_left_alone(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    cancelling = Cancelling(("celery*",), 0, _permit(database))
    terms = Terms(lock_timeout=0.4, attempts=2, deadline=20, cancelling=cancelling)
    with holding(database, "SELECT * FROM users"), pytest.raises(errors.LockNotAvailable):
        make_runner(terms=terms).upgrade()


def test_a_build_waits_without_timeout_and_names_the_transaction_it_waits_for(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_index",
        "with op.get_context().autocommit_block():\n"
        '    op.create_index("ix_name", "users", ["name"], postgresql_concurrently=True)',
    )
    events: list[object] = []
    terms = Terms(lock_timeout=0.2, attempts=1, deadline=30)
    with holding(database, "INSERT INTO users VALUES (2, 'x')", seconds=2):
        make_runner(terms=terms, listen=events.append).upgrade()
    told = [each for each in events if isinstance(each, Progress) and each.wait is not None]
    assert told
    assert told[0].building.index == "ix_name"
    assert told[0].wait is not None
    assert told[0].wait.blockers[0].session.application == "psql"


LOCK_SESSIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name LIKE 'notifydb lock%' AND datname = current_database()"
)


def test_a_runner_that_has_lost_its_lock_before_it_began_does_not_begin(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    runner = make_runner()

    def begin_without_it() -> None:
        with runner.alone() as still_ours:
            query(database, LOCK_SESSIONS)
            runner.run("upgrade", "up", "heads", still_ours)

    with pytest.raises(errors.DatabaseUnreachable, match="the connection that held the lock was lost"):
        begin_without_it()
    assert query(database, "SELECT version_num FROM alembic_version") == [("0001_users",)]


def test_a_runner_that_loses_its_lock_at_work_holds_the_other_one_and_ends_well(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_age", ADD)
    second: list[BaseException | None] = []

    def listen(event: object) -> None:
        if isinstance(event, Ran):
            query(database, LOCK_SESSIONS)
            try:
                make_runner().upgrade()
            except errors.RunnerActive as error:
                second.append(error)

    make_runner(listen=listen).upgrade()
    assert "notifydb upgrade" in str(second)
    assert query(database, "SELECT version_num FROM alembic_version") == [("0002_age",)]


def test_a_run_of_quick_migrations_has_no_second_session_that_looks_on(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_watchers", 'op.execute("CREATE TABLE watchers (name text)")')
    for number in range(2, 9):
        small_project.add(f"000{number}_step", 'op.execute("SELECT pg_sleep(0.1)")')
    small_project.add(
        "0009_look",
        'op.execute("INSERT INTO watchers SELECT application_name FROM pg_stat_activity '
        "WHERE datname = current_database() AND application_name = 'notifydb monitor'\")",
    )
    make_runner().upgrade()
    assert query(database, "SELECT count(*) FROM watchers") == [(0,)]


def test_the_next_runner_need_not_wait_for_a_session_that_has_ended(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """What a runner has migrated in keeps others out while it lives, and takes a while to end: here, a long one."""
    many = "FOR n IN 1..2000 LOOP EXECUTE format('CREATE TEMP TABLE t%s (id int)', n); END LOOP"
    small_project.add("0001_many", f'op.execute("DO $$ BEGIN {many}; END $$")')
    make_runner(lock_wait=0).upgrade()
    small_project.add("0002_next", 'op.create_table("users", sa.Column("id", sa.Integer))')
    assert len(make_runner(lock_wait=0).upgrade().steps) == 1
