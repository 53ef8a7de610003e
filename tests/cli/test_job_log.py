"""`--log-format json`: each line is of its schema, the last is the summary, and both tell what is true."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cli.conftest import Notifydb, Outcome, matches_schema
from conftest import ROOT, SmallProject, name_of, query
from notifydb import errors
from notifydb.cli import joblog
from notifydb.postgres.activity import Blocker, Building, Session, Wait
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.connect import plain_url
from notifydb.runner import events

AS_JSON = ("--log-format", "json")
USERS = 'op.execute("CREATE TABLE users (id int, email text)")'
INDEX = """
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_email ON users (email)")
"""
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "json" / "log.schema.json").read_text())
FIELDS = {
    each["properties"]["event"]["const"]: {"version", "time", *each["properties"]} for each in SCHEMA["oneOf"]
}
SUMMARY: dict[str, object] = {
    "operation": "upgrade", "applied": [], "reverted": [], "unfinished": None, "error": None, "reasons": [],
    "notes": [], "hint": None,
}  # fmt: skip


def lines_of(text: str) -> list[dict[str, Any]]:
    """The log's lines, each of the schema, with no field that it does not tell of, and one summary at the end."""
    found: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for each in found:
        assert matches_schema("log", each)
        assert set(each) <= FIELDS[each["event"]]
    assert [each["event"] for each in found].index("summary") == len(found) - 1
    return found


def kinds(lines: list[dict[str, Any]]) -> list[str]:
    return [each["event"] for each in lines]


def told(lines: list[dict[str, Any]], *leave_out: str) -> dict[str, Any]:
    """The summary without what differs each time, and what it does not differ in from an empty one."""
    summary = {key: value for key, value in lines[-1].items() if key not in leave_out}
    return {
        key: value
        for key, value in summary.items()
        if key not in ("version", "time", "event", "seconds") and SUMMARY.get(key, ...) != value
    }


@contextmanager
def holding(url: str, sql: str, seconds: float) -> Iterator[None]:
    """Another session's transaction, which ends by itself."""
    with psycopg.connect(plain_url(url), application_name="worker") as other:
        other.execute(sql.encode())
        timer = threading.Timer(seconds, other.rollback)
        timer.start()
        try:
            yield
        finally:
            timer.join()


@pytest.fixture
def there(small_project: SmallProject, notifydb: Notifydb, database: str) -> dict[str, str]:
    """The environment of a database that has `users`."""
    small_project.add("0001_users", USERS, 'op.drop_table("users")')
    environment = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "production"}
    assert notifydb("upgrade", **environment).code == 0
    return environment


def test_done_and_nothing_to_do(small_project: SmallProject, notifydb: Notifydb, database: str) -> None:
    small_project.add_all({"0001_users": USERS, "0002_more": 'print("talk"); op.execute("SELECT 1")'})
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "test"}
    first = notifydb("upgrade", *AS_JSON, **there)
    lines = lines_of(first.out)
    assert kinds(lines) == ["planned", "started", "applied", "started", "applied", "summary"]
    assert lines[0]["revisions"] == ["0001_users", "0002_more"]
    done = ["0001_users", "0002_more"]
    assert told(lines) == {"outcome": "done", "exit_code": 0, "revision": "0002_more", "applied": done}
    assert (first.code, first.err) == (0, "talk\n")
    again = notifydb("upgrade", *AS_JSON, **there)
    assert told(lines_of(again.out)) == {"outcome": "nothing", "exit_code": 0, "revision": "0002_more"}
    back = lines_of(notifydb("downgrade", "base", *AS_JSON, **there).out)
    assert kinds(back) == ["planned", "started", "reverted", "started", "reverted", "summary"]
    reverted = {"revision": "base", "reverted": ["0002_more", "0001_users"]}
    assert told(back) == {"operation": "downgrade", "outcome": "done", "exit_code": 0, **reverted}


def test_a_lock_that_is_held_for_a_while(
    small_project: SmallProject, notifydb: Notifydb, database: str, there: dict[str, str]
) -> None:
    small_project.add("0002_age", 'op.add_column("users", sa.Column("age", sa.Integer))')
    with holding(database, "SELECT * FROM users WHERE email = 'a@example.org'", 4):
        done = notifydb("upgrade", *AS_JSON, "--lock-timeout", "0.5", **there)
    lines = lines_of(done.out)
    assert {"blocked", "retrying"} < set(kinds(lines))
    # It is planned once, and begun with each attempt.
    assert kinds(lines).count("planned") == 1
    retries = [each for each in lines if each["event"] == "retrying"]
    assert kinds(lines).count("started") == len(retries) + 1
    (blocker,) = retries[0]["wait"]["blockers"]
    assert (blocker["application"], blocker["query"]) == ("worker", "SELECT * FROM users WHERE email = ?")
    assert told(lines) == {
        "outcome": "done", "exit_code": 0, "revision": "0002_age", "applied": ["0002_age"],
    }  # fmt: skip


def test_a_lock_that_is_held_for_too_long(
    small_project: SmallProject, notifydb: Notifydb, database: str, there: dict[str, str]
) -> None:
    small_project.add("0002_age", 'op.add_column("users", sa.Column("age", sa.Integer))')
    with holding(database, "LOCK TABLE users", 6):
        gave_up = notifydb("upgrade", *AS_JSON, "--lock-timeout", "0.3", "--deadline", "2", **there)
    lines = lines_of(gave_up.out)
    assert told(lines, "error", "reasons", "hint") == {
        "outcome": "unavailable", "exit_code": 4, "revision": "0001_users", "unfinished": "0002_age",
    }  # fmt: skip
    assert lines[-1]["reasons"][0] == "waits for AccessExclusiveLock on users"
    assert gave_up.code == 4


def test_an_index_that_a_failed_build_left(
    small_project: SmallProject, notifydb: Notifydb, database: str, there: dict[str, str]
) -> None:
    with psycopg.connect(plain_url(database), autocommit=True) as builder:
        builder.execute("SET statement_timeout = 300")
        with (
            holding(database, "INSERT INTO users VALUES (1)", 1),
            pytest.raises(psycopg.errors.QueryCanceled),
        ):
            builder.execute("CREATE INDEX CONCURRENTLY ix_email ON users (email)")
    small_project.add("0002_index", INDEX)
    lines = lines_of(notifydb("upgrade", *AS_JSON, **there).out)
    (healed,) = (each for each in lines if each["event"] == "healed")
    assert (healed["index"], healed["rebuilt"]) == ("public.ix_email", True)
    small_project.add("0003_again", INDEX)
    lines = lines_of(notifydb("upgrade", *AS_JSON, **there).out)
    assert kinds(lines) == ["planned", "started", "built_before", "applied", "summary"]


def test_an_index_that_is_being_built(
    small_project: SmallProject, notifydb: Notifydb, database: str, there: dict[str, str]
) -> None:
    small_project.add("0002_index", INDEX)
    with holding(database, "INSERT INTO users VALUES (2)", 4):
        lines = lines_of(notifydb("upgrade", *AS_JSON, **there).out)
    building = next(each for each in lines if each["event"] == "building")
    assert building["wait"]["blockers"][0]["application"] == "worker"


def test_what_fails_is_told_with_where_the_database_is(
    small_project: SmallProject, notifydb: Notifydb, there: dict[str, str]
) -> None:
    small_project.add_all({"0002_good": "pass", "0003_bad": 'op.execute("SELECT 1/0")'})
    failed = notifydb("upgrade", *AS_JSON, **there)
    assert told(lines_of(failed.out)) == {
        "outcome": "failed",
        "exit_code": 6,
        "revision": "0002_good",
        "applied": ["0002_good"],
        "unfinished": "0003_bad",
        "error": "0003_bad failed in upgrade() at 0003_bad.py:15: division by zero",
        "hint": "its transaction was rolled back; mend the migration, then run the same command again",
    }
    assert (failed.code, failed.err) == (6, "")


def test_what_is_refused_at_its_commit_was_never_applied(
    small_project: SmallProject, notifydb: Notifydb, there: dict[str, str]
) -> None:
    small_project.add_all({"0002_good": "pass", "0003_drop": 'op.drop_table("users")'})
    refused = notifydb("upgrade", *AS_JSON, **there)
    lines = lines_of(refused.out)
    assert kinds(lines) == ["planned", "started", "applied", "started", "summary"]
    assert told(lines, "reasons", "hint") == {
        "outcome": "refused",
        "exit_code": 3,
        "revision": "0002_good",
        "applied": ["0002_good"],
        "unfinished": "0003_drop",
        "error": "0003_drop destroys data, and that is refused here",
    }
    assert lines[-1]["reasons"][0] == "drops table public.users"
    as_text = notifydb("upgrade", **there)
    assert (as_text.code, "applied" in as_text.err) == (3, False)


def test_a_commit_that_fails_is_no_applied_migration(
    small_project: SmallProject, notifydb: Notifydb, there: dict[str, str]
) -> None:
    small_project.add(
        "0002_deferred",
        'op.execute("CREATE TABLE a (id int PRIMARY KEY)")\n'
        'op.execute("CREATE TABLE b (id int REFERENCES a DEFERRABLE INITIALLY DEFERRED)")\n'
        'op.execute("INSERT INTO b VALUES (1)")',
    )
    lines = lines_of(notifydb("upgrade", *AS_JSON, **there).out)
    assert kinds(lines) == ["planned", "started", "summary"]
    assert told(lines, "error", "hint") == {
        "outcome": "failed", "exit_code": 6, "revision": "0001_users", "unfinished": "0002_deferred",
    }  # fmt: skip


def test_what_a_downgrade_cannot_take_back(
    small_project: SmallProject, notifydb: Notifydb, there: dict[str, str]
) -> None:
    small_project.add("0002_good", "pass", 'op.execute("SELECT 1/0")')
    small_project.add("0003_good", "pass")
    there = {**there, "NOTIFYDB_ALLOW_DESTRUCTIVE": "true"}
    assert notifydb("upgrade", **there).code == 0
    confirmed = ("--confirm", name_of(there["DATABASE_URL"]))
    lines = lines_of(notifydb("downgrade", "0001", *confirmed, *AS_JSON, **there).out)
    assert told(lines, "error", "hint") == {
        "operation": "downgrade", "outcome": "failed", "exit_code": 6, "revision": "0002_good",
        "reverted": ["0003_good"], "unfinished": "0002_good",
    }  # fmt: skip


def test_settings_and_servers_that_do_not_work(
    small_project: SmallProject, notifydb: Notifydb, there: dict[str, str]
) -> None:
    nowhere = {**there, "DATABASE_URL": "postgres://user:secret@127.0.0.1:1/shop"}
    unreachable = notifydb("upgrade", *AS_JSON, "--wait-for-db", "1", **nowhere)
    lines = lines_of(unreachable.out)
    assert kinds(lines) == ["waiting_for_database", "summary"]
    assert told(lines, "error", "hint") == {"outcome": "unavailable", "exit_code": 4, "revision": None}
    assert (unreachable.code, unreachable.err) == (4, "")
    assert "secret" not in unreachable.out
    for wrong, target in (({"NOTIFYDB_LOCK_WAITS": "1"}, "heads"), ({}, "nowhere")):
        lines = lines_of(notifydb("upgrade", target, *AS_JSON, **there, **wrong).out)
        assert told(lines, "error", "hint") == {"outcome": "configuration", "exit_code": 2, "revision": None}


def test_another_runner_and_a_bug(
    small_project: SmallProject, notifydb: Notifydb, database: str, there: dict[str, str]
) -> None:
    with advisory_lock(database, wait=0):
        waited = notifydb("upgrade", *AS_JSON, "--lock-wait", "0.2", **there)
    assert kinds(lines_of(waited.out)) == ["waiting_for_runner", "summary"]
    assert told(lines_of(waited.out), "error", "hint")["exit_code"] == 4
    query(database, "DROP TABLE notifydb.history; CREATE TABLE notifydb.history (nothing int)")
    small_project.add("0002_more", "pass")
    bug = notifydb("upgrade", *AS_JSON, **there)
    assert bug.code == 70
    assert told(lines_of(bug.out), "error", "hint", "unfinished") == {
        "outcome": "bug", "exit_code": 70, "revision": "0001_users",
    }  # fmt: skip
    assert "this is a bug in notifydb" in bug.err


def upgrade_until(sql: str, project: SmallProject, there: dict[str, str]) -> subprocess.Popen[str]:
    """An upgrade that has come to a statement like that."""
    process = subprocess.Popen(
        [sys.executable, "-m", "notifydb", "upgrade", *AS_JSON],
        cwd=project.project.root, env={"PATH": os.environ["PATH"], **there},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running = f"SELECT 1 FROM pg_stat_activity WHERE query LIKE '{sql}%' AND datname = current_database()"
    deadline = time.monotonic() + 20
    while not query(there["DATABASE_URL"], running):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_what_is_stopped_says_so(
    number: signal.Signals, code: int, small_project: SmallProject, there: dict[str, str]
) -> None:
    small_project.add_all({"0002_good": "pass", "0003_slow": 'op.execute("SELECT pg_sleep(60)")'})
    process = upgrade_until("SELECT pg_sleep", small_project, there)
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == code
    assert told(lines_of(out)) == {
        "outcome": "stopped", "exit_code": code, "revision": "0002_good", "applied": ["0002_good"],
        "unfinished": "0003_slow",
    }  # fmt: skip


def test_a_stop_that_the_server_does_not_answer_is_summed_up_too(
    small_project: SmallProject, there: dict[str, str]
) -> None:
    slow = (
        "while True:\n    try:\n        __import__('time').sleep(60)\n    except BaseException:\n        pass"
    )
    small_project.add("0002_deaf", f'op.execute("SELECT 1 AS deaf")\n{slow}')
    process = upgrade_until("SELECT 1 AS deaf", small_project, there)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - began < 2) == (143, True)
    assert told(lines_of(out)) == {
        "outcome": "stopped", "exit_code": 143, "revision": None, "unfinished": "0002_deaf",
    }  # fmt: skip
    assert "has not confirmed the rollback" in err


SESSION = Session(4711, "worker", None, None, "idle in transaction", 12.5, "SELECT ?")
WAIT = Wait(1, "AccessExclusiveLock on users", (Blocker(SESSION, 0), Blocker(SESSION, 1)), (SESSION,))
RARE = [
    events.Unmarked(errors.ConfigurationError("it cannot be marked", hint="GRANT it")),
    events.Replaced(("0412_more",)),
    events.Blocked("0412_more", WAIT),
    events.Retrying("0412_more", 2, 30, 0.7, "lock timeout", None),
    events.Progress("0412_more", Building("ix", "users", "initializing", 0, 0), WAIT),
    events.Working("0412_more", 15.0),
    events.Continued("0412_more", 3, None, "kim@laptop"),
    events.Cancelled("0412_more", SESSION),
    events.Unwatched("permission denied"),
]


@pytest.mark.parametrize("event", RARE, ids=lambda event: type(event).__name__)
def test_what_is_told_now_and_then_is_of_the_schema(event: object) -> None:
    document = joblog.document(event)
    assert document is not None
    line = json.loads(json.dumps({"version": 1, **document}))
    assert matches_schema("log", line)
    assert set(line) <= FIELDS[line["event"]]


def test_the_schema_has_the_events_that_there_are() -> None:
    source = inspect.getsource(joblog) + Path(inspect.getfile(joblog)).with_name("job.py").read_text()
    names = set(re.findall(r'\bline\(\s*"(\w+)"', source)) | {"applied", "reverted"}
    assert set(FIELDS) == names == set(SCHEMA["properties"]["event"]["enum"])


def test_the_outcome_of_the_command_is_the_exit_code_of_the_summary(
    small_project: SmallProject, notifydb: Notifydb, there: dict[str, str]
) -> None:
    """No summary is an outcome, too: the arguments could not be read."""
    outcome: Outcome = notifydb("upgrade", *AS_JSON, "--nonsense", **there)
    assert (outcome.code, outcome.out) == (2, "")
