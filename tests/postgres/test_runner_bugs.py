"""Bugs of the runner that a reading of it found, each with the migration that showed it."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import psycopg
import pytest
import sqlalchemy as sa
from postgres.purge_support import permit_for

from cli.conftest import Notifydb, notifydb
from conftest import MakeRunner, SmallProject, name_of, query
from notifydb import errors
from notifydb.guard import Operation
from notifydb.postgres import ledger
from notifydb.postgres.connect import own_engine, plain_url
from notifydb.postgres.patience import Terms
from notifydb.runner.journal import Part
from notifydb.runner.run import Run
from notifydb.settings import Environment

__all__ = ["notifydb"]
USERS = """
op.execute("CREATE TABLE users (id int, name text)")
op.execute("INSERT INTO users VALUES (1), (2)")
op.execute("CREATE TABLE log (id int)")
"""
BLOCK = "with op.get_context().autocommit_block():\n    "
LOCKED = 'op.execute("ALTER TABLE users ADD COLUMN age int")'
QUICK = Terms(lock_timeout=0.3, attempts=10, deadline=20)
VERSION = "SELECT version_num FROM alembic_version"


@pytest.fixture
def users(small_project: SmallProject, make_runner: MakeRunner) -> SmallProject:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    return small_project


def retried(
    database: str, make_runner: MakeRunner, environment: Environment = Environment.PRODUCTION
) -> None:
    """Upgrades while somebody reads `users` for a while, so that a first attempt fails at its lock."""
    with psycopg.connect(plain_url(database)) as other:
        other.execute("SELECT * FROM users")
        timer = threading.Timer(0.8, other.rollback)
        timer.start()
        try:
            make_runner(environment, terms=QUICK).upgrade()
        finally:
            timer.join()


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_a_commit_or_rollback_of_the_bind_loses_neither_stamp_nor_what_comes_after_it(
    how: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_bind",
        f'op.execute("CREATE TABLE a (id int)")\nop.get_bind().{how}()\nop.execute("CREATE TABLE b (id int)")',
    )
    make_runner().upgrade()
    there = [(("a" if how == "commit" else None), "b")]
    assert query(database, "SELECT to_regclass('a')::text, to_regclass('b')::text") == there
    assert query(database, VERSION) == [("0002_bind",)]
    assert make_runner().upgrade().steps == ()


def test_a_quoted_index_that_could_not_be_dropped_is_not_believed_gone(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    query(database, 'CREATE INDEX "ix_Old" ON users (name)')
    users.add("0002_drop", f"{BLOCK}op.execute('DROP INDEX CONCURRENTLY \"ix_Old\"')")
    with psycopg.connect(plain_url(database)) as other:
        other.execute("LOCK TABLE users IN SHARE UPDATE EXCLUSIVE MODE")
        with pytest.raises(errors.LockNotAvailable):
            make_runner(terms=Terms(lock_timeout=0.2, attempts=2)).upgrade()
    make_runner().upgrade()
    assert query(database, "SELECT to_regclass('\"ix_Old\"')") == [(None,)]


def test_a_drop_of_what_was_never_there_fails_each_time(users: SmallProject, make_runner: MakeRunner) -> None:
    users.add("0002_typo", f'{BLOCK}op.execute("DROP INDEX CONCURRENTLY ix_typo")')
    for _ in range(2):
        with pytest.raises(errors.MigrationFailed, match='index "ix_typo" does not exist'):
            make_runner().upgrade()


def test_the_end_of_another_connection_does_not_undo_what_was_sent_on_the_first(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_two",
        'op.execute("INSERT INTO log VALUES (1)")\n'
        'with op.get_bind().engine.connect() as second:\n    second.execute(sa.text("SELECT 1"))\n'
        f'op.execute("COMMIT")\n{LOCKED}',
    )
    with pytest.raises(errors.MigrationFailed, match="it uses a second connection"):
        retried(database, make_runner)
    assert query(database, "SELECT count(*) FROM log") == [(1,)]


def test_a_procedure_that_nobody_followed_is_not_called_again(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    query(
        database,
        "CREATE PROCEDURE load() LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO log VALUES (1); COMMIT; LOCK TABLE users; END'",
    )
    users.add("0002_call", f'{BLOCK}op.execute("CALL load()")')
    with pytest.raises(errors.MigrationFailed, match="nobody has recorded how statement"):
        retried(database, make_runner, Environment.DEVELOPMENT)
    assert query(database, "SELECT count(*) FROM log") == [(1,)]


@pytest.mark.parametrize(
    "body",
    [
        'op.execute("ROLLBACK; DROP TABLE users")',
        f'{BLOCK}op.execute("ROLLBACK; DELETE FROM users")',
        # The refusal is not the migration's to catch.
        f'try:\n    {BLOCK}    op.execute("DROP TABLE users")\nexcept Exception:\n    pass',
        (
            f"{BLOCK}with op.get_bind().connection.driver_connection.transaction():\n"
            '        op.get_bind().connection.driver_connection.execute("DROP TABLE users")'
        ),
        'op.execute("DELETE FROM users")\nop.get_bind().connection.driver_connection.commit()',
        # What the guard has prepared is gone, too.
        f'{BLOCK}op.execute("DISCARD ALL")\nop.execute("DROP TABLE users")',
        'op.execute("DO $$ BEGIN EXECUTE \'DEALLOCATE ALL\'; END $$")\nop.execute("DELETE FROM users")',
        (
            'op.execute("DEALLOCATE notifydb_suspects; PREPARE notifydb_suspects AS SELECT")\n'
            'op.execute("DROP TABLE users")'
        ),
    ],
)
def test_what_gets_past_a_statement_does_not_get_past_the_guard(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_destroys", body)
    with pytest.raises(errors.Refused):
        make_runner().upgrade()
    assert query(database, "SELECT count(*) FROM users") == [(2,)]
    assert query(database, VERSION) == [("0001_users",)]


def test_a_truncate_in_an_autocommit_block_is_seen_where_the_statistics_are_lost(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_empties", f'{BLOCK}op.execute("TRUNCATE users")')
    query(database, "SELECT pg_stat_reset()")
    with pytest.raises(errors.Refused):
        make_runner().upgrade()
    assert query(database, "SELECT count(*) FROM users") == [(2,)]


def test_a_divergence_that_the_migration_catches_is_one(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    fails = 'op.execute("INSERT INTO log VALUES (1)")\nop.execute("COMMIT")\nop.execute("SELECT 1/0")'
    path = users.add("0002_it", fails)
    with pytest.raises(errors.MigrationFailed):
        make_runner().upgrade()
    path.unlink()
    new = 'try:\n    op.execute("CREATE TABLE must_have (id int)")\nexcept Exception:\n    pass\n'
    users.add("0002_it", new + fails.replace("1/0", "1"))
    with pytest.raises(errors.MigrationFailed, match="statement 1 is another"):
        make_runner().upgrade()


def test_a_commit_of_the_drivers_own_is_gone_on_from(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_it", f'op.execute("INSERT INTO log VALUES (1)")\nop.get_bind().connection.commit()\n{LOCKED}'
    )
    retried(database, make_runner)
    assert query(database, "SELECT count(*) FROM log") == [(1,)]


def test_a_function_that_is_gone_by_the_commit_is_not_called_again(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_it",
        "op.execute(\"CREATE FUNCTION load() RETURNS void LANGUAGE sql AS 'INSERT INTO log VALUES (1)'\")\n"
        'op.execute("SELECT load()")\nop.execute("DROP FUNCTION load()")\n'
        f'op.execute("COMMIT")\n{LOCKED}',
    )
    retried(database, make_runner)
    assert query(database, "SELECT count(*) FROM log") == [(1,)]


def test_a_half_done_migration_that_is_renamed_is_not_done_from_its_start(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    fails = 'op.execute("INSERT INTO log VALUES (1)")\nop.execute("COMMIT")\nop.execute("SELECT 1/0")'
    users.add("0002_it", fails).rename(users.project.root / "aside.py")
    (users.project.root / "aside.py").rename(users.project.versions / "0002_it.py")
    with pytest.raises(errors.MigrationFailed):
        make_runner().upgrade()
    (users.project.versions / "0002_it.py").unlink()
    users.add("0003_it", fails.replace("1/0", "1"))
    with pytest.raises(errors.MigrationFailed, match=r"0002_it was left half done.*give it back its name"):
        make_runner().upgrade()
    assert query(database, "SELECT count(*) FROM log") == [(1,)]
    make_runner(from_start=True).upgrade()


def test_a_lock_that_is_not_got_while_going_on_is_no_divergence(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_it",
        'op.execute("LOCK TABLE log")\nop.execute("INSERT INTO log VALUES (1)")\n'
        f'op.execute("COMMIT")\n{LOCKED}',
    )
    retried(database, make_runner)
    assert query(database, "SELECT count(*) FROM log") == [(1,)]


@pytest.mark.parametrize(
    "body",
    [
        # SQLAlchemy's savepoints have another name in the next attempt.
        (
            'with op.get_bind().begin_nested():\n    op.execute("INSERT INTO log VALUES (1)")\n'
            f'op.execute("COMMIT")\n{LOCKED}'
        ),
        # What failed outside of a transaction and was caught.
        (
            f'op.execute("INSERT INTO log VALUES (1)")\n{BLOCK}try:\n        op.execute("SELECT 1/0")\n'
            f"    except sa.exc.DBAPIError:\n        pass\n    {LOCKED}"
        ),
        f'op.execute("INSERT INTO log VALUES (1)")\n{BLOCK}op.execute("DISCARD ALL")\n    {LOCKED}',
    ],
)
def test_ordinary_ways_to_write_can_be_gone_on_from(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_it", body)
    retried(database, make_runner)
    assert query(database, "SELECT count(*) FROM log") == [(1,)]


def test_every_connection_of_a_migration_gives_way_to_locks(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_two",
        'op.execute("LOCK TABLE log")\n'
        'with op.get_bind().engine.begin() as second:\n    second.execute(sa.text("SELECT * FROM log"))',
    )
    with pytest.raises(errors.LockNotAvailable):
        make_runner(terms=Terms(lock_timeout=0.2, attempts=2)).upgrade()


def test_a_build_of_another_role_is_seen_by_one_that_may_not_look(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    role = f"owner_{name_of(database)}"
    query(database, f"CREATE ROLE {role} LOGIN")
    query(database, f"GRANT ALL ON DATABASE {name_of(database)} TO {role}")
    query(database, f"GRANT ALL ON SCHEMA public, notifydb TO {role}")
    query(database, f"GRANT ALL ON ALL TABLES IN SCHEMA public, notifydb TO {role}")
    for table in ("users", "alembic_version"):
        query(database, f"ALTER TABLE {table} OWNER TO {role}")
    users.add("0002_index", f'{BLOCK}op.execute("CREATE INDEX CONCURRENTLY ix_name ON users (name)")')
    url = sa.make_url(database).set(username=role).render_as_string(hide_password=False)
    try:
        with psycopg.connect(plain_url(database)) as old:
            old.execute("INSERT INTO users VALUES (3)")
            builder = threading.Thread(
                target=query, args=(database, "CREATE INDEX CONCURRENTLY ix_name ON users (name)")
            )
            builder.start()
            while not query(database, "SELECT FROM pg_stat_progress_create_index"):
                pass
            with pytest.raises(errors.LockNotAvailable, match="is being built by another session"):
                make_runner(url=url).upgrade()
            old.rollback()
            builder.join()
        assert query(database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_name'::regclass") == [
            (True,)
        ]
    finally:
        query(database, f"REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}")


def test_status_and_a_dry_run_ask_for_no_permit_to_end_others(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    there = {
        "DATABASE_URL": database,
        "NOTIFYDB_ENVIRONMENT": "production",
        "NOTIFYDB_UPGRADE_CANCEL_BLOCKERS": "psql",
    }
    assert notifydb("status", "--at-head", **there).code == 0
    assert notifydb("upgrade", "--dry-run", **there).code == 0
    assert query(database, "SELECT count(*) FROM notifydb.history WHERE outcome = 'refused'") == [(0,)]


@pytest.mark.parametrize(
    "options", ["SET datestyle = 'SQL, DMY'", "SET datestyle = 'German'", "SET client_encoding = 'SQL_ASCII'"]
)
def test_a_database_that_writes_times_or_text_otherwise(
    options: str, database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """The second run could not read the history, and each after it ended as a bug of notifydb."""
    query(database, f"ALTER DATABASE {name_of(database)} {options}")
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    small_project.add("0002_day", "op.execute(\"CREATE TABLE days AS SELECT '01/02/2026'::date AS day\")")
    make_runner().upgrade()
    assert make_runner().upgrade().steps == ()
    with own_engine(database).connect() as conn:
        assert len(ledger.read_applied(conn)) == 2


def test_a_migration_that_closes_the_bind_has_failed_and_is_told_and_recorded(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    users.add("0002_fine", "pass")
    users.add("0003_closes", f"{LOCKED}\nop.get_bind().close()")
    done = notifydb("upgrade", DATABASE_URL=database)
    assert done.code == 6, done.err
    assert "0003_closes failed in upgrade()" in done.err
    assert "This Connection is closed" in done.err
    assert "1 of 2 done; the last is 0002_fine" in done.err
    assert query(database, "SELECT outcome FROM notifydb.history WHERE revision = '0003_closes'") == [
        ("failed",)
    ]


@pytest.mark.parametrize(
    "leaving",
    [
        f'{BLOCK}op.execute("DISCARD ALL")',
        'op.execute("SELECT pg_advisory_unlock_all()")',
        'op.execute("RESET ALL")',
        'op.execute("SELECT pg_advisory_unlock_all(); COMMIT")',
    ],
)
def test_a_migration_that_resets_its_session_still_keeps_other_runners_out(
    leaving: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    query(database, f"ALTER DATABASE {name_of(database)} SET idle_session_timeout = '1min'")
    query(database, "CREATE TABLE seen (kept bool, looks text, idles text)")
    looks = (
        "INSERT INTO seen SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' "
        "AND pid = pg_backend_pid()), current_setting('client_connection_check_interval'), "
        "current_setting('idle_session_timeout')"
    )
    users.add("0002_leaves", f'op.execute("{looks}")\n{leaving}\nop.execute("{looks}")')
    make_runner(Environment.DEVELOPMENT).upgrade()
    before, after = query(database, "SELECT * FROM seen")
    assert before == after
    assert (before[0], before[2]) == (True, "0")


@pytest.mark.parametrize(("direction", "elsewhere"), [("up", "0003_two"), ("down", "0001_users")])
def test_who_runs_alembic_meanwhile_is_noticed_before_anything_is_run_again(
    direction: str,
    elsewhere: str,
    database: str,
    users: SmallProject,
    make_runner: MakeRunner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Alembic asks for no lock; the version table was left with two rows."""
    users.add_all({"0002_one": 'op.execute("INSERT INTO log VALUES (1)")', "0003_two": "pass"})
    runner, read = make_runner(), Run._read_parts
    if direction == "down":
        runner.upgrade()

    def meanwhile(run: Run) -> Mapping[tuple[str, str], Part]:
        query(database, f"UPDATE alembic_version SET version_num = '{elsewhere}'")
        return read(run)

    monkeypatch.setattr(Run, "_read_parts", meanwhile)
    with pytest.raises(errors.HistoryError, match="somebody else runs migrations on this database"):
        runner.upgrade() if direction == "up" else runner.downgrade(
            "0001", permit_for(name_of(database), Operation.DOWNGRADE)
        )
    assert query(database, VERSION) == [(elsewhere,)]
    assert query(database, "SELECT count(*) FROM log") == [(int(direction == "down"),)]
