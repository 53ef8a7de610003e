"""Upgrades as a job: one runner at a time, each step recorded, nothing destroyed unasked."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from conftest import MakeRunner, SmallProject, name_of, query
from notifydb import errors, guard
from notifydb.guard import Mark, Operation, Request, Target
from notifydb.migrator import execute
from notifydb.postgres import ledger, own
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.connect import make_engine
from notifydb.runner.events import Waiting
from notifydb.settings import Environment, Voice

USERS = """
op.execute("CREATE TABLE users (id int, name text)")
op.execute("INSERT INTO users VALUES (1), (2)")
op.execute("CREATE FUNCTION zap() RETURNS void LANGUAGE sql AS 'DELETE FROM users'")
op.execute("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)")
"""
HISTORY = "SELECT operation, revision, outcome FROM notifydb.history ORDER BY id"


def permit(operation: Operation, url: str) -> guard.Permit:
    name = name_of(url)
    voices = (Voice("a test", Environment.TEST),)
    return guard.permit(Request(operation, Target(name, Mark("missing")), voices, confirmation=name))


def test_a_step_is_recorded_with_its_stamp(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    plan = make_runner().upgrade()
    assert [each.id for each in plan.steps] == ["0001_users"]
    assert query(database, HISTORY) == [("upgrade", "0001_users", "done")]
    with make_engine(database).connect() as conn:
        entry = ledger.read_history(conn)[0]
    assert entry.source_sha256 is not None
    assert entry.runner
    assert make_runner().upgrade().steps == ()


def test_a_failure_is_recorded_from_another_connection(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    small_project.add("0002_fails", 'op.execute("SELECT 1/0")')
    with pytest.raises(errors.MigrationFailed):
        make_runner().upgrade()
    assert query(database, HISTORY) == [
        ("upgrade", "0001_users", "done"),
        ("upgrade", "0002_fails", "failed"),
    ]


def test_an_empty_database_is_marked_and_a_full_one_is_not(
    make_database: Callable[[], str], small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    empty, full = make_database(), make_database()
    with make_engine(full).begin() as conn:
        conn.exec_driver_sql("CREATE TABLE before (id int)")
    for url, expected in ((empty, Mark("present", Environment.STAGING)), (full, Mark("missing"))):
        make_runner(url=url).upgrade(environment=Environment.STAGING)
        with make_engine(url).connect() as conn:
            assert own.read_mark(conn) == expected


def test_a_mark_of_another_database_is_foreign(server_url: str, make_database: Callable[..., str]) -> None:
    original = make_database()
    with make_engine(original).begin() as conn:
        own.install(conn)
        own.write_mark(conn, Environment.DEVELOPMENT)
    copy = make_database(template=name_of(original))
    with make_engine(copy).connect() as conn:
        assert own.read_mark(conn).state == "foreign"


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE notifydb.environment SET name = 'nonsense'",
        "ALTER TABLE notifydb.environment DROP COLUMN name",
    ],
)
def test_a_mark_that_cannot_be_read_is_production(damage: str, database: str) -> None:
    with make_engine(database).begin() as conn:
        own.install(conn)
        own.write_mark(conn, Environment.DEVELOPMENT)
        conn.exec_driver_sql(damage)
    with make_engine(database).connect() as conn:
        voice = own.read_mark(conn).voice()
    assert voice is not None
    assert voice.environment is Environment.PRODUCTION


def test_a_second_runner_is_turned_away_with_the_holders_name(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    with advisory_lock(database, wait=0), pytest.raises(errors.RunnerActive, match="notifydb lock"):
        make_runner().upgrade()


def test_a_runner_that_waited_finds_the_work_done(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    small_project.add("0002_slow", 'op.execute("SELECT pg_sleep(0.5)")')
    events: list[object] = []
    began = threading.Event()

    def first(event: object) -> None:
        if isinstance(event, execute.Started) and event.revision == "0002_slow":
            began.set()

    thread = threading.Thread(target=lambda: make_runner(listen=first).upgrade())
    thread.start()
    assert began.wait(10)
    plan = make_runner(lock_wait=20, listen=events.append).upgrade()
    thread.join()
    assert plan.steps == ()
    assert [type(event) for event in events] == [Waiting]


BLOCK = "with op.get_context().autocommit_block():\n    "
RAW = "op.get_bind().connection.driver_connection.execute"
DESTROYERS = {
    'op.drop_table("users")': "drops table public.users",
    'op.drop_column("users", "name")': "drops column public.users.name",
    'op.execute("DELETE FROM users WHERE id = 1")': "deletes 1 row of public.users",
    'op.execute("WITH gone AS (DELETE FROM users RETURNING id) SELECT * FROM gone")': "deletes 2 rows of public.users",
    'op.execute("TRUNCATE users")': "truncates public.users",
    'op.execute("TRUNCATE users")\nop.execute("INSERT INTO users VALUES (3)")': "truncates public.users",
    "op.execute(\"DO $$ BEGIN EXECUTE 'TRUNCATE ' || 'users'; INSERT INTO users VALUES (3); END $$\")": (
        "truncates public.users"
    ),
    "op.execute(\"DO $$ BEGIN EXECUTE 'DROP TABLE ' || 'users'; END $$\")": "drops table public.users",
    'op.execute("DROP SCHEMA shop CASCADE")': "drops table shop.orders",
    'op.execute("CREATE TABLE new (LIKE users); DROP TABLE users; ALTER TABLE new RENAME TO users")': (
        "drops table public.users"
    ),
    # An autocommit block commits what is before it.
    f'op.execute("DELETE FROM users")\n{BLOCK}op.execute("SELECT 1")': "deletes 2 rows of public.users",
    'op.execute("DELETE FROM users")\nop.execute("COMMIT")': "deletes 2 rows of public.users",
    'op.execute("DELETE FROM users; COMMIT; SELECT 1")': (
        "commits in the middle of a string: what it does there cannot be checked"
    ),
    # Outside of a transaction.
    f'{BLOCK}op.execute("DROP TABLE users")': "drops table public.users",
    f'{BLOCK}op.execute("DROP SCHEMA shop CASCADE")': "drops table shop.orders",
    f'{BLOCK}op.execute("WITH gone AS (DELETE FROM users RETURNING id) SELECT 1")': "deletes 2 rows of public.users",
    f'{BLOCK}op.execute("SELECT zap()")': "deletes 2 rows of public.users",
    'op.execute("COMMIT")\nop.execute("DELETE FROM users")': "deletes 2 rows of public.users",
    'op.execute("COMMIT")\nop.execute("TRUNCATE users")': "truncates public.users",
    'op.execute("COMMIT")\nop.execute("BEGIN")\nop.execute("DELETE FROM users")\nop.execute("COMMIT")': (
        "deletes 2 rows of public.users"
    ),
    'op.execute("COMMIT")\nop.execute("BEGIN")\nop.execute("DELETE FROM users")': "deletes 2 rows of public.users",
    f'{BLOCK}op.execute("DO $$ BEGIN DELETE FROM users; COMMIT; END $$")': (
        "runs a DO block or procedure outside of a transaction, which may commit by itself"
    ),
    # Past SQLAlchemy.
    f'{RAW}("DROP TABLE users")': "drops table public.users",
    f'{RAW}("TRUNCATE users")\nop.execute("INSERT INTO users VALUES (3)")': "truncates public.users",
    f'{RAW}("DELETE FROM users")\n{RAW}("COMMIT")': "deletes 2 rows of public.users",
    f'{BLOCK}{RAW}("DROP TABLE users")': "drops table public.users",
}


@pytest.mark.parametrize(("body", "loss"), DESTROYERS.items())
def test_what_production_would_lose_is_refused_and_still_there(
    body: str, loss: str, database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    small_project.add("0002_destroys", body)
    with pytest.raises(errors.Refused) as caught:
        make_runner().upgrade()
    assert caught.value.reasons[0] == loss
    assert query(database, "SELECT count(*), count(name) FROM users") == [(2, 0)]
    assert query(database, "SELECT version_num FROM alembic_version") == [("0001_users",)]
    assert query(database, HISTORY)[-1] == ("upgrade", "0002_destroys", "refused")


@pytest.mark.parametrize("body", DESTROYERS)
def test_development_may_destroy(body: str, small_project: SmallProject, make_runner: MakeRunner) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    small_project.add("0002_destroys", body)
    assert len(make_runner(Environment.DEVELOPMENT).upgrade().steps) == 1


def test_a_reasoned_mark_lets_production_destroy(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    path = small_project.add("0002_destroys", 'op.drop_table("users")')
    path.write_text(path.read_text() + '\ndestructive = ""\n')
    with pytest.raises(errors.Refused):
        make_runner().upgrade()
    path.write_text(path.read_text() + '\ndestructive = "replaced by people in 0001"\n')
    make_runner().upgrade()
    assert query(database, "SELECT to_regclass('users')::text") == [(None,)]


@pytest.mark.parametrize(
    "body",
    [
        'op.rename_table("users", "people")',
        'op.alter_column("users", "name", new_column_name="full_name")',
        'op.alter_column("users", "name", type_=sa.String(10))',
        "op.execute(\"UPDATE users SET name = 'x'\")",
        'op.execute("CREATE TEMP TABLE scratch (id int)"); op.execute("DROP TABLE scratch")',
        'op.create_table("new", sa.Column("id", sa.Integer)); op.drop_table("new")',
        'op.execute("CREATE INDEX ix ON users (name)"); op.execute("DROP INDEX ix")',
        'op.execute("COMMIT")\nop.execute("CREATE INDEX CONCURRENTLY ix ON users (name)")',
        f'{BLOCK}op.create_index("ix", "users", ["name"], postgresql_concurrently=True)',
        f'{BLOCK}op.execute("VACUUM FULL users")\n    op.execute("INSERT INTO users VALUES (3)")',
        f'{BLOCK}op.execute("SET statement_timeout = 0")\n    assert op.get_bind().scalar(sa.text("SELECT 1"))',
        'op.execute("CREATE TABLE scratch (id int); TRUNCATE scratch")',
        'op.execute("CREATE TABLE s AS SELECT 1 AS id; DELETE FROM s; ALTER TABLE s DROP COLUMN id")',
        'op.execute("SAVEPOINT a; CREATE TABLE s AS SELECT 1 AS id; TRUNCATE s; RELEASE a")',
        'op.execute("COMMIT")\nop.execute("UPDATE users SET name = 1")\nop.execute("BEGIN")\nop.execute("COMMIT")',
    ],
)
def test_what_loses_nothing_is_not_destructive(
    body: str, database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    small_project.add("0002_harmless", body)
    assert len(make_runner().upgrade().steps) == 1
    assert query(database, "SELECT version_num FROM alembic_version") == [("0002_harmless",)]


def test_a_rewrite_of_a_table_that_was_emptied_before_is_no_truncate(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    path = small_project.add("0002_empties", 'op.execute("DELETE FROM users")')
    path.write_text(path.read_text() + '\ndestructive = "they were made up"\n')
    small_project.add("0003_rewrites", 'op.execute("ALTER TABLE users ALTER COLUMN id TYPE bigint")')
    assert len(make_runner().upgrade().steps) == 2


def test_rows_deleted_by_the_migration_before_are_not_counted_again(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    path = small_project.add("0002_destroys", 'op.execute("DELETE FROM users")')
    path.write_text(path.read_text() + '\ndestructive = "they were made up"\n')
    small_project.add("0003_harmless", 'op.execute("INSERT INTO users VALUES (3)")')
    assert len(make_runner().upgrade().steps) == 2


def test_no_other_session_is_asked_what_a_migration_may_take_away(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    look = (
        "CREATE TABLE {} AS SELECT count(*) FROM pg_stat_activity WHERE application_name = 'notifydb guard'"
    )
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    path = small_project.add("0002_drops", 'op.execute("DROP TABLE users")')
    path.write_text(path.read_text() + '\ndestructive = "nobody comes any more"\n')
    small_project.add("0003_looks", f'op.execute("{look.format("marked")}")')
    small_project.add("0004_rewrites", 'op.execute("ALTER TABLE marked ALTER COLUMN count TYPE int")')
    small_project.add("0005_looks", f'op.execute("{look.format("unmarked")}")')
    make_runner().upgrade()
    assert query(database, "SELECT * FROM marked, unmarked") == [(0, 1)]


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ('op.execute("SELECT 1 / 0")', "mend the migration"),
        ('op.get_bind().execute("SELECT 1")', "put sa.text(...) around that string"),
        ('op.get_bind().execute(sa.table("t"))', "mend the migration"),
        (
            'op.execute("""DO $$ BEGIN RAISE EXCEPTION \'extension "x" is not available\'; END $$""")',
            "mend the migration",
        ),
        ('op.execute("CREATE EXTENSION nobody_has_it")', "have the extension installed on the server"),
        (
            'op.execute("CREATE ROLE {0}_r; SET LOCAL ROLE {0}_r; CREATE TABLE notifydb.x (id int)")',
            "give the role what it lacks",
        ),
    ],
)
def test_what_to_do_before_it_is_run_again(
    body: str, remedy: str, database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_fails", body.format(name_of(database)))
    with pytest.raises(errors.MigrationFailed) as caught:
        make_runner().upgrade()
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(f"its transaction was rolled back; {remedy}")
    assert caught.value.hint.endswith(", then run the same command again")


@pytest.mark.parametrize(
    "tries",
    [
        'op.execute("SAVEPOINT a")\nop.execute("DELETE FROM users")\nop.execute("ROLLBACK TO a")',
        'nested = op.get_bind().begin_nested()\nop.execute("DELETE FROM users")\nnested.rollback()',
        (
            'op.execute("DO $$ BEGIN DELETE FROM users; PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN END $$")'
        ),
    ],
)
def test_rows_that_came_back_in_the_migration_before_are_not_lost_in_the_next(
    tries: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """The server had not counted them yet, and the table was locked by then no more."""
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    small_project.add("0002_tries", tries)
    small_project.add("0003_harmless", 'op.execute("UPDATE users SET name = name")')
    assert len(make_runner().upgrade().steps) == 2


def test_a_rewrite_of_a_table_that_was_emptied_and_filled_again_is_no_truncate(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """The server took it to have the rows of before as well."""
    insert = 'op.execute("INSERT INTO users SELECT generate_series(10, 109)")'
    small_project.add("0001_users", f"{USERS}{insert}")
    make_runner().upgrade()
    path = small_project.add("0002_again", f'{BLOCK}op.execute("TRUNCATE users")\n    {insert}')
    path.write_text(path.read_text() + '\ndestructive = "they were made up"\n')
    small_project.add("0003_rewrites", 'op.execute("ALTER TABLE users ALTER COLUMN id TYPE numeric")')
    assert len(make_runner().upgrade().steps) == 2


def test_a_file_that_is_gone_meanwhile_is_not_read_again(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    gone = 'import os\nos.unlink(__file__)\nop.execute("ALTER TABLE users ALTER COLUMN id TYPE bigint")'
    small_project.add("0002_gone", gone)
    assert len(make_runner().upgrade().steps) == 1


def test_downgrade_takes_its_own_permit(
    database: str, server_url: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS, 'op.drop_table("users")')
    runner = make_runner()
    runner.upgrade()
    for wrong in (permit(Operation.STAMP_BACK, database), permit(Operation.DOWNGRADE, server_url)):
        with pytest.raises(errors.InternalError):
            runner.downgrade("base", wrong)
    runner.downgrade("base", permit(Operation.DOWNGRADE, database))
    assert query(database, "SELECT count(*) FROM alembic_version") == [(0,)]


def test_a_database_at_a_revision_that_no_file_has(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    path = small_project.add("0001_gone", "pass")
    make_runner().upgrade()
    path.unlink()
    small_project.add("0001_other", "pass")
    with pytest.raises(errors.HistoryError, match="is at 0001_gone, and no file here has that revision id"):
        make_runner().upgrade()


def test_stamping_backwards_takes_a_permit(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add_all({"0001_one": "pass", "0002_two": "pass"})
    runner = make_runner()
    runner.upgrade()
    with pytest.raises(errors.Refused):
        runner.stamp("0001_one")
    assert runner.current() == ("0002_two",)
    runner.stamp("0001_one", permit(Operation.STAMP_BACK, database))
    assert runner.current() == ("0001_one",)
    runner.stamp("heads")
    assert runner.current() == ("0002_two",)


def test_from_nothing_there_is_nothing_to_lose(small_project: SmallProject, make_runner: MakeRunner) -> None:
    """A real history drops what it once made: a new production database has to get through it."""
    small_project.add("0001_users", USERS)
    small_project.add("0002_destroys", 'op.drop_table("users")')
    assert len(make_runner().upgrade().steps) == 2
