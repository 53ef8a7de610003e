"""What the fault suite (`make chaos`) has found, each as a small test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from conftest import MakeRunner, SmallProject, query
from notifydb import errors
from notifydb.migrator import execute
from notifydb.postgres.connect import plain_url
from notifydb.postgres.patience import Terms
from notifydb.runner.destructive import Watch
from notifydb.runner.events import Retrying
from notifydb.runner.run import Run

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'notifydb upgrade' AND datname = current_database()
"""
BLOCK = "with op.get_context().autocommit_block():\n    "
FAILS = 'op.execute("SELECT 1/0")'
INDEXES = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'users'::regclass ORDER BY 1"
OUTCOMES = "SELECT revision, outcome FROM notifydb.history ORDER BY id"
#: The violation is found as the transaction commits.
DEFERRED = """
op.execute("CREATE TABLE users (id int PRIMARY KEY)")
op.execute("CREATE TABLE orders (id int REFERENCES users DEFERRABLE INITIALLY DEFERRED)")
op.execute("INSERT INTO orders VALUES (1)")
"""


def test_the_log_of_a_job_is_all_on_stdout(database: str, small_project: SmallProject) -> None:
    """What migrations print is led to stderr, and so was what is told while they run."""
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int)")\nprint("hello")')
    ended = subprocess.run(
        [Path(sys.executable).parent / "notifydb", "upgrade", "--log-format", "json"],
        cwd=small_project.project.root, capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "DATABASE_URL": database},
    )  # fmt: skip
    events = [json.loads(line)["event"] for line in ended.stdout.splitlines()]
    assert events == ["planned", "started", "applied", "summary"]
    assert ended.stderr == "hello\n"


def test_a_migration_that_fails_at_its_commit_was_not_applied(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_orders", DEFERRED)
    events: list[object] = []
    with pytest.raises(errors.MigrationFailed):
        make_runner(listen=events.append).upgrade()
    assert not [each for each in events if isinstance(each, execute.Applied)]
    assert query(database, OUTCOMES) == [("0001_orders", "failed")]


def test_an_interrupt_after_the_commit_does_not_take_back_the_record(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """The history said `interrupted` of a migration that it had just called done."""
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int)")')
    small_project.add("0002_more", 'op.execute("CREATE TABLE more (id int)")')

    def listen(event: object) -> None:
        if isinstance(event, execute.Applied):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_runner(listen=listen).upgrade()
    assert query(database, "SELECT version_num FROM alembic_version") == [("0001_users",)]
    assert query(database, OUTCOMES) == [("0001_users", "done"), (None, "interrupted")]


def test_an_interrupt_while_the_commit_is_on_its_way_asks_how_it_ended(
    database: str, small_project: SmallProject, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int)")')
    events: list[object] = []

    def interrupted(_: Run) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Run, "_committed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_runner(listen=events.append).upgrade()
    assert [each.revision for each in events if isinstance(each, execute.Applied)] == ["0001_users"]
    assert query(database, OUTCOMES) == [("0001_users", "done"), (None, "interrupted")]


def test_a_connection_that_is_lost_between_statements_is_no_bug(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """It was noticed by a query of notifydb's own, and closing the connection failed in its turn."""
    small_project.add("0001_users", f'{BLOCK}op.execute("CREATE TABLE users (id int)")')
    lose = (
        f"psycopg.connect({plain_url(database)!r}, autocommit=True).execute({TERMINATE!r}).connection.close()"
    )
    add = 'op.execute("CREATE TABLE more (id int)")'
    small_project.add("0002_more", f'import psycopg\n{add}\n{lose}\n{BLOCK}op.execute("SELECT 1")')
    with pytest.raises(errors.DatabaseUnreachable, match="the connection was lost in 0002_more"):
        make_runner().upgrade()
    assert query(database, OUTCOMES)[-1] == ("0002_more", "interrupted")


def test_a_connection_that_is_lost_before_the_first_migration_is_no_bug(
    database: str, small_project: SmallProject, make_runner: MakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guard looks at the catalog as Alembic asks for the stamp."""
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int)")')
    make_runner().upgrade()
    small_project.add("0002_more", 'op.execute("CREATE TABLE more (id int)")')
    remember = Watch.remember

    def lose(watch: Watch, driver: psycopg.Connection[object]) -> None:
        query(database, TERMINATE)
        remember(watch, driver)

    monkeypatch.setattr(Watch, "remember", lose)
    with pytest.raises(errors.DatabaseUnreachable):
        make_runner().upgrade()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, errors.Refused], ids=["a signal", "a refusal"])
def test_what_stops_a_commit_is_not_hidden_by_closing_the_connection(
    stop: type[BaseException],
    database: str,
    small_project: SmallProject,
    make_runner: MakeRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SQLAlchemy took the transaction for ended, and reset the connection in the middle of it."""
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int)")')
    make_runner().upgrade()
    small_project.add("0002_more", f'{BLOCK}op.execute("CREATE TABLE more (id int)")')
    small_project.add("0003_gone", f'op.execute("DROP TABLE users")\n{BLOCK}op.execute("SELECT 1")')
    if stop is KeyboardInterrupt:

        def interrupted(_: Watch, __: psycopg.Connection[object]) -> None:
            if query(database, "SELECT FROM alembic_version WHERE version_num = '0002_more'"):
                raise KeyboardInterrupt

        monkeypatch.setattr(Watch, "check", interrupted)
    with pytest.raises(stop):
        make_runner().upgrade()
    assert query(database, "SELECT to_regclass('users') IS NOT NULL") == [(True,)]
    assert query(database, "SELECT version_num FROM alembic_version") == [("0002_more",)]


def test_a_signal_is_not_hidden_by_what_fails_after_it(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """It had come as a statement was on its way, and the settings could not be put back; that was told instead."""
    body = "try:\n    raise KeyboardInterrupt\nfinally:\n    "
    small_project.add("0001_users", f'{body}op.execute("SELECT 1/0")')
    with pytest.raises(KeyboardInterrupt):
        make_runner().upgrade()
    assert query(database, OUTCOMES) == [("0001_users", "interrupted")]


def cut_short(small_project: SmallProject, make_runner: MakeRunner) -> None:
    """`0002_it` has committed a column, and then failed; it is mended now."""
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int)")')
    small_project.add(
        "0002_it",
        f"""
        op.execute("SELECT * FROM users")
        op.execute("COMMIT")
        op.execute("CREATE TABLE more (id int)")
        {FAILS}
        """,
    )
    with pytest.raises(errors.MigrationFailed):
        make_runner().upgrade()
    path = small_project.project.versions / "0002_it.py"
    path.write_text(path.read_text().replace(FAILS, "pass"))


def test_a_connection_that_is_lost_while_going_on_is_no_divergence(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """The run said that it could not go on after what was committed, and exited with 6."""
    cut_short(small_project, make_runner)

    def listen(event: object) -> None:
        if isinstance(event, execute.Started):
            query(database, TERMINATE)

    with pytest.raises(errors.DatabaseUnreachable):
        make_runner(listen=listen).upgrade()
    make_runner().upgrade()
    assert query(database, "SELECT version_num FROM alembic_version") == [("0002_it",)]


def test_a_lock_that_is_in_the_way_while_going_on_is_waited_for(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    cut_short(small_project, make_runner)
    with psycopg.connect(plain_url(database)) as other:
        other.execute("LOCK TABLE users")

        def listen(event: object) -> None:
            if isinstance(event, Retrying):
                other.rollback()

        make_runner(terms=Terms(lock_timeout=0.2), listen=listen).upgrade()
    assert query(database, "SELECT version_num FROM alembic_version") == [("0002_it",)]


def test_a_signal_that_cuts_an_import_in_half_is_still_a_signal(tmp_path: Path) -> None:
    program = """
import os, signal
from notifydb.cli import app
def cut(**_):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except KeyboardInterrupt:
        raise ImportError("partially initialized module")
app.app = cut
app.main()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, "this is a bug" in ended.stderr) == (143, False)


REINDEX = """
op.execute("COMMIT")
op.execute("REINDEX {} CONCURRENTLY {}")
"""


@pytest.mark.parametrize(("kind", "name"), [("INDEX", "uq_users"), ("TABLE", "users")])
def test_what_a_reindex_leaves_that_is_cut_short_is_cleared_away(
    kind: str, name: str, database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """Each attempt left one more INVALID index, which every write has to keep up to date."""
    body = """
    op.execute("CREATE TABLE users (id int, name text)")
    op.execute("CREATE UNIQUE INDEX uq_users ON users (id)")
    op.execute("CREATE INDEX mine_ccnew ON users (name)")
    """
    small_project.add("0001_users", body)
    make_runner().upgrade()
    small_project.add("0002_it", REINDEX.format(kind, name))
    with psycopg.connect(plain_url(database)) as old:
        # REINDEX waits for whoever may see the old index, dropping only for who uses the table.
        old.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        old.execute("SELECT FROM alembic_version")
        with psycopg.connect(plain_url(database), autocommit=True) as killed:
            killed.execute("SET statement_timeout = 500")
            with pytest.raises(psycopg.errors.QueryCanceled):
                killed.execute(f"REINDEX {kind} CONCURRENTLY {name}".encode())
        assert ("uq_users_ccnew", False) in query(database, INDEXES)
        with pytest.raises(errors.LockNotAvailable):
            make_runner(terms=Terms(deadline=1)).upgrade()
        assert query(database, INDEXES) == [("mine_ccnew", True), ("uq_users", True)]
    make_runner().upgrade()
    assert query(database, INDEXES) == [("mine_ccnew", True), ("uq_users", True)]
