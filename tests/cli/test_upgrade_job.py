"""`upgrade` as a job that is killed, stopped, held up and watched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, Outcome
from conftest import SmallProject, name_of, query
from notifydb.postgres.connect import plain_url

Start = Callable[..., "subprocess.Popen[str]"]
SLEEPS = 'op.execute("CREATE TABLE half (id int)")\nop.execute("SELECT pg_sleep(60)")'


@pytest.fixture
def start(small_project: SmallProject, database: str) -> Iterator[Start]:
    """Starts `notifydb ARGUMENTS` in the small project, and ends what is left of it after the test."""
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "notifydb", *arguments],
            cwd=small_project.project.root, env={**os.environ, "DATABASE_URL": database, **variables},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def until(url: str, sql: str, *, seconds: float = 20) -> list[tuple[object, ...]]:
    deadline = time.monotonic() + seconds
    while not (found := query(url, sql)):
        assert time.monotonic() < deadline, sql
        time.sleep(0.05)
    return found


def asleep(url: str) -> int:
    """The pid of the session that sleeps in a migration."""
    ((pid,),) = until(
        url,
        "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
        " AND datname = current_database()",
    )
    assert isinstance(pid, int)
    return pid


@contextmanager
def held(url: str, sql: str) -> Iterator[None]:
    with psycopg.connect(plain_url(url), application_name="psql") as other:
        other.execute(sql.encode())
        yield


def test_who_comes_after_a_killed_runner_waits_until_the_server_is_done_with_it(
    small_project: SmallProject, database: str, start: Start, notifydb: Notifydb
) -> None:
    path = small_project.add("0001_slow", SLEEPS)
    process = start("upgrade")
    asleep(database)
    process.kill()
    process.wait()
    path.write_text(path.read_text().replace("pg_sleep(60)", "1"))
    began = time.monotonic()
    done = notifydb("upgrade", DATABASE_URL=database)
    assert done.code == 0, done.err
    assert "waiting for another runner: notifydb upgrade" in done.err
    # The server looks every two seconds whether its client is there.
    assert time.monotonic() - began < 15
    outcomes = query(database, "SELECT outcome FROM notifydb.history WHERE revision = '0001_slow'")
    assert outcomes == [("done",)]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_server_that_does_not_answer_keeps_no_stopped_job_alive(
    number: signal.Signals, code: int, small_project: SmallProject, database: str, start: Start
) -> None:
    small_project.add("0001_slow", SLEEPS)
    process = start("upgrade")
    pid = asleep(database)
    os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        assert time.monotonic() - began < 2.2
        assert process.returncode == code, err
        assert "the server has not confirmed the rollback yet" in err
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_stopped_job_says_what_is_applied_and_records_that_it_was_stopped(
    small_project: SmallProject, database: str, start: Start
) -> None:
    small_project.add("0001_one", "pass")
    small_project.add("0002_slow", SLEEPS)
    process = start("upgrade")
    asleep(database)
    process.terminate()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "1 of 2 done; the last is 0001_one\n0002_slow was cancelled" in err
    assert query(database, "SELECT revision, outcome FROM notifydb.history ORDER BY id") == [
        ("0001_one", "done"),
        ("0002_slow", "interrupted"),
    ]


def test_a_job_that_is_stopped_while_it_waits_for_another_runner(
    small_project: SmallProject, database: str, start: Start
) -> None:
    small_project.add("0001_slow", SLEEPS)
    start("upgrade")
    asleep(database)
    second = start("upgrade")
    time.sleep(1.5)
    began = time.monotonic()
    second.terminate()
    second.communicate(timeout=20)
    assert (second.returncode, time.monotonic() - began < 2) == (143, True)


def test_a_lost_connection_is_no_failed_migration(
    small_project: SmallProject, database: str, start: Start, notifydb: Notifydb
) -> None:
    path = small_project.add("0001_slow", SLEEPS)
    process = start("upgrade")
    query(database, f"SELECT pg_terminate_backend({asleep(database)})")
    _, err = process.communicate(timeout=20)
    assert process.returncode == 4
    assert "the connection was lost in 0001_slow: terminating connection due to administrator command" in err
    path.write_text(path.read_text().replace("pg_sleep(60)", "1"))
    assert notifydb("upgrade", DATABASE_URL=database).code == 0


@pytest.fixture
def blocked(small_project: SmallProject, notifydb: Notifydb, database: str) -> Callable[..., Outcome]:
    small_project.add("0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    assert notifydb("upgrade", DATABASE_URL=database).code == 0
    small_project.add("0002_age", 'op.add_column("users", sa.Column("age", sa.Integer))')

    def run(*options: str, **variables: str) -> Outcome:
        with held(database, "SELECT * FROM users"):
            return notifydb("upgrade", *options, DATABASE_URL=database, **variables)

    return run


def test_who_blocks_is_told_and_the_exit_code_says_try_again(blocked: Callable[..., Outcome]) -> None:
    done = blocked("--lock-timeout", "0.5", "--deadline", "2")
    assert done.code == 4
    assert "0002_age gives way (canceling statement due to lock timeout); attempt 2 of 30 in " in done.err
    assert "  waits for AccessExclusiveLock on users\n  blocked by psql (pid " in done.err
    assert "error: 0002_age did not get its lock: the run's 2 s are over (upgrade.deadline)" in done.err
    assert "  next: end what is in the way, or run the same command again when it is gone" in done.err


def test_cancelling_blockers_is_guarded(blocked: Callable[..., Outcome], database: str) -> None:
    asked = ("--cancel-blockers", "psql", "--deadline", "5", "--lock-timeout", "0.5")
    production = {"NOTIFYDB_ENVIRONMENT": "production", "NOTIFYDB_UPGRADE_CANCEL_AFTER": "0"}
    assert str(blocked(*asked, **production)) == snapshot("""\
exit 3
[err]
error: cancel blockers of database 'TESTDB' is refused
  - the environment is production (NOTIFYDB_ENVIRONMENT), and destructive operations are not allowed by the \
settings (allow_destructive)
  - the database's name was not typed as confirmation
""")
    allowed = {**production, "NOTIFYDB_ALLOW_DESTRUCTIVE": "true"}
    assert blocked(*asked, **allowed).code == 3
    assert query(database, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'psql'") == [(0,)]


def test_cancelled_blockers_are_told(
    blocked: Callable[..., Outcome], database: str, notifydb: Notifydb
) -> None:
    with pytest.raises(psycopg.OperationalError):
        blocked(
            "--cancel-blockers", "psql", "--confirm", name_of(database), "--lock-timeout", "0.5",
            NOTIFYDB_ENVIRONMENT="production", NOTIFYDB_ALLOW_DESTRUCTIVE="true", NOTIFYDB_UPGRADE_CANCEL_AFTER="0",
        )  # fmt: skip
    history = notifydb("history", "--database", DATABASE_URL=database).out
    assert "done         cancel blockers 0002_age" in history


def test_waiting_for_the_server(small_project: SmallProject, notifydb: Notifydb) -> None:
    small_project.add("0001_one", "pass")
    began = time.monotonic()
    gone = notifydb("upgrade", "--wait-for-db", "1.5", DATABASE_URL="postgresql://u:secret@127.0.0.1:1/shop")
    assert (gone.code, time.monotonic() - began > 1.5) == (4, True)
    assert gone.err.startswith("waiting for the database: the database cannot be reached: ")
    assert "secret" not in gone.err


def test_what_a_run_was_is_recorded(small_project: SmallProject, notifydb: Notifydb, database: str) -> None:
    small_project.add(
        "0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))\nop.execute("SELECT 1")'
    )
    there = {"NOTIFYDB_UPGRADE_CODE_VERSION": "release-7", "CF_INSTANCE_INDEX": "3"}
    assert notifydb("upgrade", DATABASE_URL=database, **there).code == 0
    assert query(
        database,
        "SELECT statements, retries, code_version, instance, started_at <= finished_at, seconds > 0"
        " FROM notifydb.history",
    ) == [(2, 0, "release-7", "3", True, True)]


def test_six_runners_at_once_apply_each_migration_once(
    small_project: SmallProject, notifydb: Notifydb, database: str
) -> None:
    """A small one of what `make chaos` does at length."""
    for number in range(1, 5):
        small_project.add(
            f"000{number}_step", f'op.execute("CREATE TABLE t{number} (id int); SELECT pg_sleep(0.1)")'
        )
    codes: list[int] = []
    threads = [
        threading.Thread(target=lambda: codes.append(notifydb("upgrade", DATABASE_URL=database).code))
        for _ in range(6)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert codes == [0] * 6
    assert query(database, "SELECT count(*), count(DISTINCT revision) FROM notifydb.history") == [(4, 4)]


@pytest.mark.parametrize("seconds", ["1e9", "inf", "nan"])
@pytest.mark.parametrize("option", ["--lock-timeout", "--deadline", "--lock-wait", "--wait-for-db"])
def test_seconds_that_no_server_counts_are_refused(
    option: str, seconds: str, database: str, small_project: SmallProject, notifydb: Notifydb
) -> None:
    small_project.add("0001_one", "pass")
    refused = notifydb("upgrade", option, seconds, DATABASE_URL=database)
    assert refused.code == 2, refused.err
    assert query(database, "SELECT to_regclass('alembic_version')") == [(None,)]


def test_less_than_a_millisecond_is_not_without_end(
    database: str, small_project: SmallProject, notifydb: Notifydb
) -> None:
    small_project.add(
        "0001_one", "op.execute(\"CREATE TABLE t AS SELECT current_setting('lock_timeout') AS held\")"
    )
    done = notifydb("upgrade", "--lock-timeout", "0.0001", DATABASE_URL=database)
    assert done.code == 0, done.err
    assert query(database, "SELECT held FROM t") == [("1ms",)]
