"""What the fault suite (`make chaos`) has found, each as a small test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import MakeRunner, SmallProject, query
from notifydb import errors
from notifydb.migrator import execute
from notifydb.runner.run import Run

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
