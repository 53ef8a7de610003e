"""`upgrade`, `downgrade`, `stamp`, `status`, `check`: as a job and as a person runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from inline_snapshot import snapshot

from cli.conftest import Notifydb, matches_schema
from conftest import SmallProject, name_of, query
from notifydb.postgres.advisory import advisory_lock


@pytest.fixture
def grown(small_project: SmallProject) -> SmallProject:
    small_project.add(
        "0001_users", 'op.create_table("users", sa.Column("id", sa.Integer))', 'op.drop_table("users")'
    )
    small_project.add("0002_services", 'op.create_table("services", sa.Column("id", sa.Integer))')
    return small_project


def test_upgrade_status_and_again(grown: SmallProject, notifydb: Notifydb, database: str) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "test"}
    assert str(notifydb("status", **there)) == snapshot("""\
exit 0
[out]
database  at no revision
head      0002_services
pending   2
  0001_users
  0002_services
[err]
next: notifydb upgrade
""")
    assert str(notifydb("upgrade", "--dry-run", **there)) == snapshot(
        "exit 0\n[out]\nwould upgrade 0001_users\nwould upgrade 0002_services\n"
    )
    assert notifydb("status", "--at-head", **there).code == 1
    assert str(notifydb("upgrade", **there)) == snapshot("""\
exit 0
[err]
applied 0001_users (N s)
applied 0002_services (N s)
2 done; the database is at 0002_services
""")
    assert str(notifydb("upgrade", **there)) == snapshot(
        "exit 0\n[err]\nnothing to do: the database is at 0002_services\n"
    )
    assert str(notifydb("status", "--at-head", **there)) == snapshot("""\
exit 0
[out]
database  0002_services
head      0002_services
pending   0
""")
    assert str(notifydb("current", **there)) == snapshot("exit 0\n[out]\n0002_services (head)\n")
    assert str(notifydb("environment", "show", **there)) == snapshot("""\
exit 0
[out]
database TESTDB: test
ALTER DATABASE ... SET notifydb.environment: no setting
NOTIFYDB_ENVIRONMENT: test
""")
    assert str(notifydb("history", "--database", **there)) == snapshot("""\
exit 0
[out]
TIME  done         upgrade 0002_services in N s  by SOMEBODY
TIME  done         upgrade 0001_users in N s  by SOMEBODY
""")


def test_every_answer_has_its_promised_json(grown: SmallProject, notifydb: Notifydb, database: str) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "test"}
    for schema, command in {
        "status": ["status"],
        "current": ["current"],
        "upgrade": ["upgrade"],
        "history-database": ["history", "--database"],
        "environment-show": ["environment", "show"],
        "settings": ["settings"],
        "stamp": ["stamp", "heads"],
    }.items():
        assert matches_schema(schema, notifydb(*command, "--format", "json", **there).json), command
    down = notifydb("downgrade", "-1", "--format", "json", **there).json
    assert matches_schema("upgrade", down)
    assert down["steps"] == ["0002_services"]


def test_upgrade_to_a_target(grown: SmallProject, notifydb: Notifydb, database: str) -> None:
    there = {"DATABASE_URL": database}
    assert notifydb("upgrade", "+1", **there).code == 0
    assert query(database, "SELECT version_num FROM alembic_version") == [("0001_users",)]
    assert str(notifydb("upgrade", "0003", **there)) == snapshot("""\
exit 2
[err]
error: no revision '0003'
  next: notifydb history
""")
    assert notifydb("upgrade", "0002", **there).code == 0


def test_a_failed_migration_says_what_and_where(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    grown.add("0003_fails", 'op.execute("SELECT 1/0")')
    assert str(notifydb("upgrade", DATABASE_URL=database)) == snapshot("""\
exit 6
[err]
applied 0001_users (N s)
applied 0002_services (N s)
2 of 3 done; the last is 0002_services
error: 0003_fails failed in upgrade() at 0003_fails.py:15: division by zero
  next: its transaction was rolled back; mend the migration, then run the same command again
""")


def test_downgrade_in_production_takes_the_setting_and_the_name(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "production"}
    notifydb("upgrade", **there)
    assert str(notifydb("downgrade", "-1", **there)) == snapshot("""\
exit 3
[err]
error: downgrade of database 'TESTDB' is refused
  - the environment is production (NOTIFYDB_ENVIRONMENT), and destructive operations are not allowed by the \
settings (allow_destructive)
  - the database's name was not typed as confirmation
""")
    allowed = {**there, "NOTIFYDB_ALLOW_DESTRUCTIVE": "true"}
    assert notifydb("downgrade", "-1", "--confirm", "y", **allowed).code == 3
    assert notifydb("downgrade", "-1", "--confirm", name_of(database), **allowed).code == 0
    outcomes = query(database, "SELECT operation, outcome FROM notifydb.history ORDER BY id")
    assert outcomes[-4:] == [
        ("downgrade", "refused"),
        ("downgrade", "refused"),
        ("downgrade", "permitted"),
        ("downgrade", "done"),
    ]


def test_a_production_mark_outvotes_the_settings(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    notifydb("upgrade", DATABASE_URL=database, NOTIFYDB_ENVIRONMENT="production")
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "development"}
    assert notifydb("downgrade", "-1", **there).code == 3
    taken_back = notifydb("environment", "set", "development", "--confirm", name_of(database), **there)
    assert str(taken_back) == snapshot("""\
exit 3
[err]
error: marking 'TESTDB' as development is refused
  - the database is marked as production, or its mark cannot be read; that is never taken back
""")


def test_marking_a_database(grown: SmallProject, notifydb: Notifydb, database: str) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "staging"}
    name = name_of(database)
    assert notifydb("environment", "set", "development", "--confirm", name, **there).code == 3
    assert notifydb("environment", "set", "staging", "--confirm", "other", **there).code == 3
    assert notifydb("environment", "set", "staging", "--confirm", name, **there).code == 0
    assert notifydb("environment", "set", "prod", "--confirm", name, **there).code == 2
    shown = notifydb("environment", "show", "--format", "json", **there).json
    assert shown["mark"] == {"state": "present", "environment": "staging"}
    assert shown["database_setting"] == {"state": "present", "environment": "staging"}


def test_stamping_back_is_guarded_and_forward_is_not(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "staging"}
    assert notifydb("stamp", "heads", **there).code == 0
    assert notifydb("stamp", "0001", **there).code == 3
    assert notifydb("stamp", "0001", **{**there, "NOTIFYDB_ENVIRONMENT": "test"}).code == 0
    assert query(database, "SELECT version_num FROM alembic_version") == [("0001_users",)]


def test_without_a_database(grown: SmallProject, notifydb: Notifydb) -> None:
    for environment in ("", "test", "staging", "production", "demo"):
        assert str(notifydb("status", NOTIFYDB_ENVIRONMENT=environment)) == snapshot("""\
exit 2
[err]
error: no database is set
  next: set DATABASE_URL; the embedded Postgres is used in development only
""")


def test_a_server_that_is_not_there(grown: SmallProject, notifydb: Notifydb) -> None:
    gone = notifydb("status", DATABASE_URL="postgres://user:secret@127.0.0.1:1/shop")
    assert gone.code == 4
    assert gone.err.startswith("error: the database cannot be reached: ")
    assert "secret" not in gone.err


def test_a_database_that_does_not_exist(grown: SmallProject, notifydb: Notifydb, server_url: str) -> None:
    missing = notifydb("status", DATABASE_URL=server_url.replace("/postgres?", "/not_there?"))
    assert missing.code == 2
    assert 'database "not_there" does not exist' in missing.err


def test_a_second_runner_waits_no_longer_than_told(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    with advisory_lock(database, wait=0):
        turned_away = notifydb("upgrade", "--lock-wait", "0.2", DATABASE_URL=database)
    assert turned_away.code == 4
    assert "another notifydb works on this database: notifydb lock " in turned_away.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_upgrade_leaves_nothing_half_done(
    number: signal.Signals, code: int, grown: SmallProject, database: str
) -> None:
    grown.add("0003_slow", 'op.execute("CREATE TABLE half (id int)")\nop.execute("SELECT pg_sleep(60)")')
    environment = {**os.environ, "DATABASE_URL": database}
    process = subprocess.Popen(
        [sys.executable, "-m", "notifydb", "upgrade"],
        cwd=grown.project.root, env=environment, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    running = (
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND datname = current_database()"
    )
    deadline = time.monotonic() + 20
    while not query(database, running):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    began = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=20)
    assert process.returncode == code, err
    assert time.monotonic() - began < 2
    assert "what was not committed is rolled back" in err
    assert query(database, "SELECT to_regclass('half')::text, (SELECT version_num FROM alembic_version)") == [
        (None, "0002_services")
    ]
    assert not query(database, running)


def test_a_killed_upgrade_is_continued(grown: SmallProject, notifydb: Notifydb, database: str) -> None:
    path = grown.add(
        "0003_slow", 'op.execute("CREATE TABLE half (id int)")\nop.execute("SELECT pg_sleep(60)")'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "notifydb", "upgrade"],
        cwd=grown.project.root, env={**os.environ, "DATABASE_URL": database}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not query(database, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.kill()
    process.wait()
    # The server notices a dead client when it next writes to it; an operator ends the session.
    query(
        database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    )
    path.write_text(path.read_text().replace("pg_sleep(60)", "1"))
    assert notifydb("upgrade", DATABASE_URL=database).code == 0
    assert query(database, "SELECT version_num FROM alembic_version") == [("0003_slow",)]


def test_what_the_application_prints_is_not_data(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    grown.add("0003_prints", 'print("hello from a migration")')
    done = notifydb("upgrade", "--format", "json", DATABASE_URL=database)
    assert done.json["ran"]
    assert "hello from a migration" in done.err


def test_a_bootstrap_context_is_entered_first(grown: SmallProject, notifydb: Notifydb, database: str) -> None:
    (grown.project.root / "application.py").write_text(
        "import contextlib\nSTATE = []\n\n"
        "@contextlib.contextmanager\ndef context():\n    STATE.append(1)\n    yield\n"
    )
    path = grown.add("0003_needs", "assert STATE")
    path.write_text(path.read_text() + "\nfrom application import STATE\nassert STATE\n")
    assert notifydb("upgrade", DATABASE_URL=database).code == 2
    bootstrap = {"DATABASE_URL": database, "NOTIFYDB_BOOTSTRAP": "application:context"}
    assert notifydb("upgrade", **bootstrap).code == 0
    for wrong, message in (("application", "is not of the form"), ("nothing:x", "cannot be loaded")):
        refused = notifydb("upgrade", DATABASE_URL=database, NOTIFYDB_BOOTSTRAP=wrong)
        assert refused.code == 0 or message in refused.err


def test_debug_logging_shows_no_secret(grown: SmallProject, notifydb: Notifydb) -> None:
    shown = notifydb(
        "status", DATABASE_URL="postgres://user:s3cr3t@127.0.0.1:1/shop", NOTIFYDB_LOG_LEVEL="debug"
    )
    assert "Traceback" in shown.err
    assert "s3cr3t" not in shown.err + shown.out


def test_an_id_that_the_version_table_cannot_hold_is_refused_before_it_runs(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    long = "0003_a_name_of_more_than_thirty_two"
    grown.add(long, 'with op.get_context().autocommit_block():\n    op.execute("CREATE TABLE half (id int)")')
    refused = notifydb("upgrade", DATABASE_URL=database)
    assert refused.code == 2
    assert f"{long} has {len(long)} characters; alembic_version holds 32" in refused.err
    assert query(database, "SELECT to_regclass('half')::text, to_regclass('users')::text") == [(None, None)]


def test_several_rows_in_alembic_version_are_told_and_stamped_away(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "test"}
    notifydb("upgrade", **there)
    query(database, "INSERT INTO alembic_version VALUES ('0001_users')")
    assert notifydb("status", **there).code == 1
    for command in (["upgrade"], ["downgrade", "-1"], ["check", "--database"]):
        refused = notifydb(*command, **there)
        assert refused.code == 2
        assert "alembic_version holds several rows" in refused.err
    assert notifydb("stamp", "heads", **there).code == 0
    assert query(database, "SELECT version_num FROM alembic_version") == [("0002_services",)]


def test_a_revision_that_nobody_knows_can_be_stamped_over(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "test"}
    notifydb("upgrade", **there)
    query(database, "UPDATE alembic_version SET version_num = '0099_gone'")
    unknown = notifydb("status", **there)
    assert (unknown.code, "at 0099_gone, and no file here has" in unknown.err) == (1, True)
    assert notifydb("stamp", "heads", **{**there, "NOTIFYDB_ENVIRONMENT": "staging"}).code == 3
    assert notifydb("stamp", "heads", **there).code == 0
    assert notifydb("status", "--at-head", **there).code == 0


def test_the_strictest_voice_marks_an_empty_database(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    voices = {"NOTIFYDB_ENVIRONMENT": "development", "NOTIFY_ENVIRONMENT": "production"}
    notifydb("upgrade", DATABASE_URL=database, **voices)
    assert query(database, "SELECT name FROM notifydb.environment") == [("production",)]


def test_a_role_that_may_not_ask_the_server_who_it_is(
    grown: SmallProject, notifydb: Notifydb, database: str
) -> None:
    role = f"role_{name_of(database)}"
    query(database, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    query(database, f"CREATE ROLE {role} LOGIN")
    query(
        database,
        f"GRANT CREATE ON DATABASE {name_of(database)} TO {role}; GRANT ALL ON SCHEMA public TO {role}",
    )
    try:
        there = {"DATABASE_URL": database.replace("postgres@", f"{role}@"), "NOTIFYDB_ENVIRONMENT": "test"}
        done = notifydb("upgrade", **there)
        assert done.code == 0, done.err
        assert "GRANT EXECUTE ON FUNCTION pg_control_system()" in done.err
        purge = notifydb("purge", "--prefix", "notify-tests", "--confirm", name_of(database), **there)
        assert purge.code == 3
    finally:
        query(database, f"DROP OWNED BY {role}")
        query(database, f"DROP ROLE {role}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_at_any_early_moment_is_no_traceback(number: signal.Signals, grown: SmallProject) -> None:
    for delay in (0.05, 0.15, 0.25, 0.4):
        process = subprocess.Popen(
            [sys.executable, "-m", "notifydb", "settings"],
            cwd=grown.project.root, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(delay)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        expected = {0, 128 + number, -number} | ({1} if number is signal.SIGINT else set())
        assert process.returncode in expected, (delay, err)
        assert "Terminated" not in err
