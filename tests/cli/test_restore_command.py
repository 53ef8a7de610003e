"""`notifydb restore` on the command line: all that it says, in words and as JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, Outcome, matches_schema
from cli.guarded import Guarded, fill
from cli.test_purge_command import ALL, JOURNAL, LEFT, OTHERS, TEST, archive_of, lines_of, summary_of, told
from conftest import SmallProject, name_of, query
from notifydb.postgres.connect import plain_url


@pytest.fixture
def shop(database: str, notifydb: Notifydb, small_project: SmallProject) -> Guarded:
    """A database of which two users and their events were purged."""
    fill(database)
    made = Guarded(database, notifydb, small_project.project.root)
    assert made.purge(**TEST).code == 0
    return made


def restore(shop: Guarded, *arguments: str, confirm: str | None = None, **variables: str) -> Outcome:
    typed = ("--confirm", name_of(shop.url) if confirm is None else confirm)
    variables = {"DATABASE_URL": shop.url, **TEST, **variables}
    return shop.notifydb("restore", str(archive_of(shop)), *typed, *arguments, **variables)


def test_rehearsed_then_done_then_refused(shop: Guarded) -> None:
    assert told(restore(shop, "--dry-run")) == snapshot("""\
exit 0
[err]
restored 2 rows of users (N s)
restored 2 rows of events (N s)
4 rows in 2 tables would come back; nothing was done
""")
    assert query(shop.url, LEFT) == OTHERS
    assert told(restore(shop)) == snapshot("""\
exit 0
[err]
restored 2 rows of users (N s)
restored 2 rows of events (N s)
committed
restored 4 rows in N s
""")
    assert query(shop.url, LEFT) == ALL
    assert told(restore(shop)) == snapshot("""\
exit 3
[err]
error: the restore is refused
  - purge ID was restored already
""")
    assert query(shop.url, "SELECT operation, outcome FROM notifydb.history WHERE outcome = 'done'") == [
        ("purge", "done"), ("restore", "done"),
    ]  # fmt: skip


def test_a_rehearsal_needs_no_confirmation_and_the_restore_does(shop: Guarded) -> None:
    folder = str(archive_of(shop))
    there = {"DATABASE_URL": shop.url, **TEST}
    assert shop.notifydb("restore", folder, "--dry-run", **there).code == 0
    refused = shop.notifydb("restore", folder, **there)
    assert str(refused) == snapshot("""\
exit 3
[err]
error: restore of database 'TESTDB' is refused
  - the database's name was not typed as confirmation
""")
    assert restore(shop, confirm="other").code == 3
    assert query(shop.url, LEFT) == OTHERS


@pytest.mark.parametrize("environment", ["production", ""])
def test_never_in_production(shop: Guarded, environment: str) -> None:
    for options in ((), ("--dry-run",)):
        refused = restore(shop, *options, NOTIFYDB_ENVIRONMENT=environment, NOTIFYDB_ALLOW_DESTRUCTIVE="true")
        assert (refused.code, "restore is never done there" in refused.err) == (3, True), refused
    assert query(shop.url, LEFT) == OTHERS


def test_what_would_be_overwritten(shop: Guarded) -> None:
    query(shop.url, "INSERT INTO users VALUES (1, 'somebody.new@example.gov')")
    assert told(restore(shop)) == snapshot("""\
exit 3
[err]
error: the restore is refused: it would overwrite what is there
  - duplicate key value violates unique constraint "users_pkey"
""")
    assert query(shop.url, "SELECT count(*) FROM users") == [(8,)]
    assert query(shop.url, JOURNAL) == [("done",)]


def test_what_is_no_archive(shop: Guarded, tmp_path: Path) -> None:
    there = {"DATABASE_URL": shop.url, **TEST}
    assert str(shop.notifydb("restore", str(tmp_path / "nowhere"), **there)) == snapshot("""\
exit 2
[err]
error: FOLDER/nowhere is no archive of a purge: No such file or directory: manifest.jsonl
  next: name the folder that the purge has told
""")
    assert shop.notifydb("restore", **there).code == 2
    manifest = archive_of(shop) / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"rows": 2', '"rows": 3', 1))
    assert told(restore(shop)) == snapshot("""\
exit 5
[err]
error: the archive is damaged: ARCHIVE/manifest.jsonl: line 2 is not what was written
""")
    assert query(shop.url, LEFT) == OTHERS


def test_as_json(shop: Guarded) -> None:
    rehearsed = restore(shop, "--dry-run", "--format", "json")
    assert matches_schema("restore", rehearsed.json)
    assert (rehearsed.json["dry_run"], rehearsed.json["tables"]) == (True, {"users": 2, "events": 2})
    logged = restore(shop, "--dry-run", "--log-format", "json")
    assert summary_of(logged.out)["outcome"] == "planned"
    assert query(shop.url, LEFT) == OTHERS
    done = restore(shop, "--log-format", "json")
    assert (done.code, done.err) == (0, "")
    assert [each["event"] for each in lines_of(done.out)] == ["restored", "restored", "committed", "summary"]
    assert summary_of(done.out) == {
        "operation": "restore", "outcome": "done", "exit_code": 0, "archive": None, "rows": 4,
    }  # fmt: skip
    again = restore(shop, "--log-format", "json")
    assert again.code == summary_of(again.out)["exit_code"] == 3
    assert query(shop.url, LEFT) == ALL


def test_stopped_while_it_waits(shop: Guarded) -> None:
    """Nothing of it is there; the same command puts all of it back."""
    command = ["restore", str(archive_of(shop)), "--confirm", name_of(shop.url), "--log-format", "json"]
    with psycopg.connect(plain_url(shop.url)) as other:
        other.execute("LOCK TABLE events IN SHARE MODE")
        process = subprocess.Popen(
            [sys.executable, "-m", "notifydb", *command],
            cwd=shop.root, env={"PATH": "", "DATABASE_URL": shop.url, **TEST},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if json.loads(line)["event"] == "retrying":
                process.send_signal(signal.SIGTERM)
                break
        out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert err.startswith("stopped by SIGTERM: what was not committed is rolled back")
    assert summary_of("".join(lines) + out)["outcome"] == "stopped"
    assert (query(shop.url, LEFT), query(shop.url, JOURNAL)) == (OTHERS, [("done",)])
    assert restore(shop).code == 0
    assert query(shop.url, LEFT) == ALL
