"""`notifydb purge` on the command line: all that it says, in words and as JSON, and how it ends when it is stopped."""

from __future__ import annotations

import inspect
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import psycopg
import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, Outcome, matches_schema
from cli.guarded import PREFIX, Guarded, fill
from conftest import ROOT, SmallProject, name_of, query
from notifydb.postgres.connect import plain_url
from notifydb.purge import events

TEST = {"NOTIFYDB_ENVIRONMENT": "test"}
BATCHES = {"NOTIFYDB_PURGE_BATCH_ABOVE": "0", "NOTIFYDB_PURGE_JOBS": "1"}
LEFT = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM events)"
ALL, OTHERS = [(9, 9)], [(7, 7)]
JOURNAL = "SELECT state FROM notifydb.purge ORDER BY started_at"
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "json" / "purge-log.schema.json").read_text())
FIELDS = {
    each["properties"]["event"]["const"]: {"version", "time", *each["properties"]} for each in SCHEMA["oneOf"]
}
_VARYING = [
    (re.compile(r"[\w/.-]*\d{8}T\d{6}Z-TESTDB-[\w+-]+-[0-9a-f]{8}"), "ARCHIVE"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}"), "UUID"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "PLAN"),
    (re.compile(r" +\d+(\.\d)? (B|kB|MB)  "), "  SIZE  "),
    (re.compile(r"in \d\.\d s"), "in N s"),
    (re.compile(r"^(reading|deleting) .*\n", re.MULTILINE), ""),
    (re.compile(r"purge [0-9a-f]{8} "), "purge ID "),
    (re.compile(r"\(pid \d+\)"), "(pid PID)"),
    (re.compile(r"for \d+\.\d s"), "for N s"),
]


def told(outcome: Outcome) -> str:
    """The whole of it, with what differs each time named; what is only told to who waits is left out."""
    text = str(outcome)
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


def lines_of(text: str) -> list[dict[str, Any]]:
    """The log's lines, each of the schema, with no field that it does not tell of, and one summary at the end."""
    found: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines()]
    for each in found:
        assert matches_schema("purge-log", each)
        assert set(each) <= FIELDS[each["event"]]
    assert [each["event"] for each in found].index("summary") == len(found) - 1
    return found


def summary_of(text: str) -> dict[str, Any]:
    """The last line without what differs each time."""
    last = lines_of(text)[-1]
    return {key: value for key, value in last.items() if key not in ("version", "time", "event", "seconds")}


@pytest.fixture
def shop(database: str, notifydb: Notifydb, small_project: SmallProject) -> Guarded:
    """Two test users with an event each, seven others, in a database marked as a test's."""
    fill(database)
    return Guarded(database, notifydb, small_project.project.root)


def archive_of(shop: Guarded) -> Path:
    (found,) = (shop.root / "purge-archives").iterdir()
    return found


def restored(shop: Guarded, purged: Outcome) -> Outcome:
    """By the command that the purge told."""
    (command,) = re.findall(r"to put them back: notifydb (restore .+)", purged.err)
    words = shlex.split(command.replace("TESTDB", name_of(shop.url)))
    return shop.notifydb(*words, "--confirm", name_of(shop.url), DATABASE_URL=shop.url, **TEST)


# -- in words --


def test_a_dry_run_says_what_would_go_and_how_to_purge_just_that(shop: Guarded) -> None:
    rehearsed = shop.purge("--dry-run", **TEST)
    assert told(rehearsed) == snapshot("""\
exit 0
[out]
2 rows of users.email_address match 'notify-tests-preview' in database TESTDB
  notify-tests-preview+UUID@example.gov
  notify-tests-preview+UUID@example.gov
      rows       size  table and the path to it
         2  SIZE  events  (users > events)
         2  SIZE  users
[err]
4 rows in 2 tables would go; nothing was done
to purge just this: --plan-id PLAN
""")
    (plan,) = re.findall(r"--plan-id (\w+)", rehearsed.err)
    assert query(shop.url, LEFT) == ALL
    assert not (shop.root / "purge-archives").exists()
    wrong = shop.purge("--plan-id", "0" * 16, **TEST)
    assert told(wrong).partition("[err]")[2] == snapshot("""\

error: the purge is refused: the plan is not the one that was asked for
  - asked for is plan PLAN, and this is plan PLAN
  next: look at it again: --dry-run
""")
    assert query(shop.url, LEFT) == ALL
    assert shop.purge("--plan-id", plan, **TEST).code == 0
    assert query(shop.url, LEFT) == OTHERS


def test_a_plan_that_is_another_by_one_row_is_not_the_one_that_was_asked_for(shop: Guarded) -> None:
    (plan,) = re.findall(r"--plan-id (\w+)", shop.purge("--dry-run", **TEST).err)
    query(shop.url, "INSERT INTO events VALUES (99, 1)")
    assert shop.purge("--plan-id", plan, **TEST).code == 3
    assert query(shop.url, "SELECT count(*) FROM users") == [(9,)]


def test_done_then_restored_then_done_without_an_archive_then_nothing(shop: Guarded) -> None:
    done = shop.purge(**TEST)
    assert told(done) == snapshot("""\
exit 0
[out]
2 rows of users.email_address match 'notify-tests-preview' in database TESTDB
  notify-tests-preview+UUID@example.gov
  notify-tests-preview+UUID@example.gov
      rows       size  table and the path to it
         2  SIZE  events  (users > events)
         2  SIZE  users
[err]
archive: ARCHIVE
deleted 2 rows of events (N s)
deleted 2 rows of users (N s)
proved: no row left over and no orphan in 2 tables
committed
purged 4 rows of 'notify-tests-preview' in N s
to put them back: notifydb restore ARCHIVE
""")
    assert query(shop.url, LEFT) == OTHERS
    back = restored(shop, done)
    assert (back.code, query(shop.url, LEFT)) == (0, ALL)
    for_good = shop.purge("--no-archive", **TEST)
    assert told(for_good).partition("[err]")[2] == snapshot("""\

deleted 2 rows of events (N s)
deleted 2 rows of users (N s)
proved: no row left over and no orphan in 2 tables
committed
purged 4 rows of 'notify-tests-preview' in N s
""")
    assert query(shop.url, LEFT) == OTHERS
    assert archive_of(shop)
    # A job that finds nothing says nothing.
    assert str(shop.purge(**TEST)) == "exit 0\n"


def test_what_stands_in_the_way(shop: Guarded) -> None:
    query(shop.url, "CREATE TABLE pages (id int PRIMARY KEY, created_by_id int REFERENCES users)")
    query(shop.url, "INSERT INTO pages VALUES (1, 1), (2, 9)")
    assert told(shop.purge("--dry-run", **TEST)) == snapshot("""\
exit 1
[out]
2 rows of users.email_address match 'notify-tests-preview' in database TESTDB
  notify-tests-preview+UUID@example.gov
  notify-tests-preview+UUID@example.gov
      rows       size  table and the path to it
         2  SIZE  events  (users > events)
         2  SIZE  users
  stays: 1 row through pages.created_by_id -> users.id: refuse
[err]
blocked: pages.created_by_id -> users.id: 1 row that would stay refer to rows that would go
4 rows in 2 tables would go; nothing was done
who owns what, and why: notifydb purge --explain
""")
    assert told(shop.purge(**TEST)).partition("[err]")[2] == snapshot("""\

error: the purge of 'notify-tests-preview' in database 'TESTDB' is refused
  - pages.created_by_id -> users.id: 1 row that would stay refer to rows that would go
  next: notifydb purge --explain shows who owns what, and why
""")
    logged = shop.purge("--dry-run", "--log-format", "json", **TEST)
    assert (logged.code, logged.err) == (1, "")
    summary = summary_of(logged.out)
    assert (summary["outcome"], summary["exit_code"], summary["rows"]) == ("blocked", 1, 0)
    assert summary["blockers"] == [
        "pages.created_by_id -> users.id: 1 row that would stay refer to rows that would go"
    ]
    assert query(shop.url, LEFT) == ALL


def test_in_batches(shop: Guarded) -> None:
    assert told(shop.purge("--dry-run", **TEST, **BATCHES)).partition("[err]")[0] == snapshot("""\
exit 0
[out]
2 rows of users.email_address match 'notify-tests-preview' in database TESTDB
  notify-tests-preview+UUID@example.gov
  notify-tests-preview+UUID@example.gov
      rows       size  table and the path to it
         2  SIZE  events  (users > events)
         2  SIZE  users
  in batches of about 20,000: events
""")
    assert told(shop.purge(**TEST, **BATCHES)).partition("[err]")[2] == snapshot("""\

archive: ARCHIVE
deleted 2 rows of events in batches (N s)
deleted 2 rows of users (N s)
proved: no row left over and no orphan in 2 tables
committed
purged 4 rows of 'notify-tests-preview' in N s
to put them back: notifydb restore ARCHIVE
""")
    assert query(shop.url, LEFT) == OTHERS


def test_it_goes_on_after_it_was_cut_short(shop: Guarded) -> None:
    with psycopg.connect(plain_url(shop.url), application_name="celery") as other:
        other.execute("SELECT FROM users WHERE id = 1 FOR KEY SHARE")
        cut = shop.purge("--lock-timeout", "1", "--deadline", "0.1", **TEST, **BATCHES)
    assert told(cut).partition("[err]")[2] == snapshot("""\

archive: ARCHIVE
deleted 2 rows of events in batches (N s)
error: a lock was not granted in time: canceling statement due to lock timeout
  - waits for ShareLock of transactionid
  - blocked by celery (pid PID), idle in transaction for N s: SELECT FROM users WHERE id = ? FOR KEY SHARE
  next: run the same command again when nobody is in the way; what is committed stays so
""")
    assert (cut.code, query(shop.url, LEFT)) == (4, [(9, 7)])
    assert told(shop.purge("--dry-run", **TEST)) == snapshot("""\
exit 0
[out]
2 rows of users.email_address match 'notify-tests-preview' in database TESTDB
  notify-tests-preview+UUID@example.gov
  notify-tests-preview+UUID@example.gov
      rows       size  table and the path to it
         2  SIZE  users
[err]
a purge of 'notify-tests-preview' by SOMEBODY was cut short; what it has deleted is in ARCHIVE
2 rows in 1 table would go; nothing was done
to purge just this: --plan-id PLAN
""")
    logged = shop.purge("--format", "json", "--dry-run", **TEST)
    assert matches_schema("purge", logged.json)
    (unfinished,) = logged.json["plan"]["unfinished"]
    assert unfinished["archive"].replace("TESTDB", name_of(shop.url)).endswith(archive_of(shop).name)
    done = shop.purge(**TEST)
    assert query(shop.url, LEFT) == OTHERS
    assert query(shop.url, JOURNAL) == [("continued",), ("done",)]
    back = restored(shop, done)
    assert (back.code, query(shop.url, LEFT)) == (0, ALL), back


# -- what it may be told --


def test_how_old_they_have_to_be(shop: Guarded) -> None:
    unaged = shop.purge("--older-than", "2d", "--dry-run", **TEST)
    assert str(unaged) == snapshot("""\
exit 2
[err]
error: purge.age: users.created_at is no date or time of users, so nobody is older than anything
  next: set purge.age
""")
    query(shop.url, "ALTER TABLE users ADD created_at timestamptz")
    query(shop.url, "UPDATE users SET created_at = now() - CASE id WHEN 1 THEN interval '3 d' ELSE '1 d' END")
    assert shop.purge("--older-than", "2 days", "--dry-run", **TEST).code == 2
    rehearsed = shop.purge("--older-than", "2d", "--dry-run", **TEST)
    assert "is not that old" in rehearsed.out
    assert shop.purge("--older-than", "2d", **TEST).code == 0
    assert query(shop.url, LEFT) == [(8, 8)]


def test_in_whatever_case(shop: Guarded) -> None:
    query(shop.url, "UPDATE users SET email_address = upper(email_address) WHERE id = 1")
    assert "differs in case" in shop.purge("--dry-run", **TEST).out
    assert shop.purge("--ignore-case", **TEST).code == 0
    assert query(shop.url, LEFT) == OTHERS


def test_how_many_they_may_be(shop: Guarded) -> None:
    refused = shop.purge("--max-users", "1", **TEST)
    assert refused.code == 3
    assert "2 rows of users match, more than the 1 that may at once" in refused.err
    assert shop.purge("--max-users", "0", **TEST).code == 2
    assert query(shop.url, LEFT) == ALL


def test_a_shared_group_goes_where_it_is_named(shop: Guarded) -> None:
    for statement in (
        "CREATE TABLE services (id int PRIMARY KEY, created_by_id int REFERENCES users)",
        "CREATE TABLE user_to_service (user_id int REFERENCES users, service_id int REFERENCES services)",
        "INSERT INTO services VALUES (1, 1), (2, 2), (3, 9)",
        "INSERT INTO user_to_service VALUES (1, 1), (9, 1), (2, 2), (9, 3)",
    ):
        query(shop.url, statement)
    shared = shop.purge("--dry-run", **TEST)
    assert "stays: services 1: shared with 1 other" in shared.out
    assert shared.code == 1
    assert shop.purge("--delete-shared", "1", "--delete-shared", "3", **TEST).code == 0
    # Of 3 nobody is a test user, whatever was said of it.
    assert query(shop.url, "SELECT id FROM services") == [(3,)]
    assert query(shop.url, LEFT) == OTHERS


def test_where_the_archive_goes(shop: Guarded, tmp_path: Path) -> None:
    assert str(shop.purge("--archive", "elsewhere", "--no-archive", **TEST)) == snapshot("""\
exit 2
[err]
error: --archive and --no-archive contradict each other
""")
    (tmp_path / "file").write_text("")
    assert told(shop.purge("--archive", str(tmp_path / "file"), **TEST)).partition("[err]")[2] == snapshot("""\

error: the archive cannot be written: Not a directory: ARCHIVE
  next: name a folder with room for it: --archive DIR
""")
    assert query(shop.url, LEFT) == ALL
    assert query(shop.url, "SELECT count(*) FROM notifydb.purge") == [(0,)]
    assert shop.purge("--archive", str(tmp_path / "else where"), **TEST).code == 0
    (folder,) = (tmp_path / "else where").iterdir()
    assert {each.name for each in folder.iterdir()} == {
        "manifest.jsonl", "events-rows-0.copy.gz", "users-rows-0.copy.gz",
    }  # fmt: skip
    assert not (shop.root / "purge-archives").exists()


def test_without_a_prefix(shop: Guarded) -> None:
    assert str(shop.notifydb("purge", DATABASE_URL=shop.url, **TEST)) == snapshot("""\
exit 2
[err]
error: a purge needs a prefix
  next: notifydb purge --prefix notify-tests-preview --dry-run
""")


def test_a_migration_names_what_is_protected(shop: Guarded, small_project: SmallProject) -> None:
    key = "11111111-2222-3333-4444-555555555555"
    query(shop.url, "ALTER TABLE events DROP CONSTRAINT events_user_id_fkey, ALTER user_id TYPE text")
    query(shop.url, "ALTER TABLE users ALTER id TYPE text")
    query(shop.url, f"UPDATE users SET id = '{key}' WHERE id = '1'")
    query(shop.url, f"UPDATE events SET user_id = '{key}' WHERE user_id = '1'")
    query(shop.url, "ALTER TABLE events ADD FOREIGN KEY (user_id) REFERENCES users")
    small_project.add("0001_seed", f"op.execute(\"INSERT INTO users VALUES ('{key.upper()}')\")")
    rehearsed = shop.purge("--dry-run", **TEST)
    assert "listed as protected" in rehearsed.out
    assert shop.purge("--dry-run", NOTIFYDB_PURGE_PROTECT_SEEDED="false", **TEST).out.startswith("2 rows of")
    assert shop.purge(**TEST).code == 0
    assert query(shop.url, LEFT) == [(8, 8)]


# -- as JSON --


def test_as_one_document(shop: Guarded) -> None:
    rehearsed = shop.purge("--dry-run", "--format", "json", **TEST, **BATCHES)
    assert (rehearsed.code, rehearsed.err) == (0, "")
    assert matches_schema("purge", rehearsed.json)
    assert rehearsed.json["purged"] is None
    assert rehearsed.json["plan"]["strategy"] == {"batches": ["events"], "indexes": []}
    done = shop.purge("--format", "json", **TEST)
    assert matches_schema("purge", done.json)
    assert done.json["purged"]["rows"] == 4
    told_of = done.json["purged"]["archive"].replace("TESTDB", name_of(shop.url))
    assert told_of.endswith(archive_of(shop).name)
    nothing = shop.purge("--format", "json", **TEST)
    assert matches_schema("purge", nothing.json)
    assert (nothing.json["purged"], nothing.json["plan"]["rows"]) == (None, 0)


def test_a_line_for_each_event(shop: Guarded) -> None:
    done = shop.purge("--log-format", "json", **TEST, **BATCHES)
    lines = lines_of(done.out)
    assert [each["event"] for each in lines] == [
        "archiving", "batch", "drained", "vacuumed", "deleting", "deleted", "proved", "committed", "summary",
    ]  # fmt: skip
    assert (done.code, done.err) == (0, "")
    plan = lines[-1]["plan"]
    assert summary_of(done.out) == {
        "operation": "purge", "outcome": "done", "exit_code": 0, "archive": lines[0]["folder"], "rows": 4,
        "planned": 4, "plan": plan, "blockers": [],
    }  # fmt: skip
    nothing = summary_of(shop.purge("--log-format", "json", **TEST).out)
    assert (nothing["outcome"], nothing["exit_code"], nothing["archive"]) == ("nothing", 0, None)


def test_a_line_for_what_goes_wrong(shop: Guarded) -> None:
    refused = shop.purge("--log-format", "json", confirm="other", **TEST)
    assert (refused.code, refused.err) == (3, "")
    assert summary_of(refused.out) == {
        "operation": "purge", "outcome": "refused", "exit_code": 3, "archive": None, "hint": None,
        "error": "purge of database 'TESTDB' is refused",
        "reasons": ["the confirmation 'other' is not the database's name"],
    }  # fmt: skip
    unreachable = shop.purge(
        "--log-format", "json", DATABASE_URL="postgresql://u:secret@127.0.0.1:1/shop", confirm="shop", **TEST
    )
    summary = summary_of(unreachable.out)
    assert (unreachable.code, summary["outcome"], summary["exit_code"]) == (4, "unavailable", 4)
    assert "secret" not in unreachable.out + unreachable.err
    wrong = summary_of(shop.purge("--prefix", "%", "--log-format", "json", **TEST).out)
    assert (wrong["outcome"], wrong["exit_code"]) == ("configuration", 2)
    assert query(shop.url, LEFT) == ALL


def test_the_log_tells_who_is_in_the_way(shop: Guarded) -> None:
    with psycopg.connect(plain_url(shop.url), application_name="celery") as other:
        other.execute("LOCK TABLE users IN SHARE MODE")
        options = ("--lock-timeout", "1", "--log-format", "json")
        logged = shop.purge(*options, **TEST, NOTIFYDB_PURGE_ATTEMPTS="2")
    *_, retried, last = (each for each in lines_of(logged.out) if each["event"] in ("retrying", "summary"))
    (blocker,) = retried["wait"]["blockers"]
    assert (retried["wait"]["wants"], blocker["application"], blocker["state"]) == (
        "RowExclusiveLock on users", "celery", "idle in transaction",
    )  # fmt: skip
    assert last["reasons"][0] == "waits for RowExclusiveLock on users"
    assert "blocked by celery" in last["reasons"][1]


def test_the_schema_tells_of_every_event() -> None:
    """A new event, or a new field of one, has to be told of there."""
    found = {}
    for event in get_args(events.Event):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
        found[name] = {"version", "time", "event", *inspect.signature(event).parameters}
    del found["reading"]
    assert {name: fields for name, fields in FIELDS.items() if name != "summary"} == found
    assert SCHEMA["properties"]["event"]["enum"] == [*FIELDS]


# -- stopped --


@pytest.fixture
def running(shop: Guarded) -> Iterator[dict[str, Any]]:
    """Options for a purge in batches that cannot come to its end: somebody holds a user that goes."""
    with psycopg.connect(plain_url(shop.url)) as other:
        other.execute("SELECT FROM users WHERE id = 1 FOR KEY SHARE")
        yield {"env": {**os.environ, "DATABASE_URL": shop.url, **TEST, **BATCHES}, "cwd": shop.root}


def start(shop: Guarded, options: dict[str, Any], *arguments: str) -> subprocess.Popen[str]:
    command = ["purge", "--prefix", PREFIX, "--confirm", name_of(shop.url), *arguments]
    process = subprocess.Popen(
        [sys.executable, "-m", "notifydb", *command],
        **options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while query(shop.url, LEFT) == ALL:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_what_the_next_run_goes_on_with(
    number: signal.Signals, code: int, shop: Guarded, running: dict[str, Any]
) -> None:
    process = start(shop, running)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "stopped; what is committed stays so, and the same command goes on" in err
    assert query(shop.url, JOURNAL) == [("running",)]
    assert query(shop.url, LEFT) == [(9, 7)]


def test_a_signal_is_summed_up(shop: Guarded, running: dict[str, Any]) -> None:
    process = start(shop, running, "--log-format", "json")
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert err.startswith("stopped by SIGTERM: what was not committed is rolled back")
    summary = summary_of(out)
    assert (summary["outcome"], summary["exit_code"]) == ("stopped", 143)
    assert Path(summary["archive"]).name == archive_of(shop).name
