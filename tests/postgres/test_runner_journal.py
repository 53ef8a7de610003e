"""A migration that was cut short with a part of it committed: the next run goes on after that part."""

from __future__ import annotations

import psycopg
import pytest

from conftest import MakeDatabase, MakeRunner, SmallProject, name_of, query
from notifydb import errors
from notifydb.postgres.connect import plain_url
from notifydb.postgres.patience import Terms
from notifydb.runner.events import Continued
from notifydb.settings import Environment

USERS = """
op.execute("CREATE TABLE users (id int, email text, done boolean)")
op.execute("INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 25) n")
"""
BLOCK = "with op.get_context().autocommit_block():\n    "
#: Stands where the first attempt is cut short: as if somebody had killed it there.
CUT = 'op.get_bind().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid()) FROM cut")'
OUTCOMES = "SELECT outcome FROM notifydb.history WHERE revision = '0002_it' ORDER BY id"

CUTS = {
    "before an autocommit block": f"""
op.execute("ALTER TABLE users ADD COLUMN age int")
{BLOCK}{CUT}
    op.execute("CREATE INDEX CONCURRENTLY ix_age ON users (age)")
""",
    "after a build": f"""
op.execute("ALTER TABLE users ADD COLUMN age int")
{BLOCK}op.execute("CREATE INDEX CONCURRENTLY ix_age ON users (age)")
    {CUT}
    op.execute("CREATE INDEX CONCURRENTLY ix_email ON users (email)")
""",
    "after a build without a name": f"""
{BLOCK}op.execute("CREATE INDEX CONCURRENTLY ON users (email)")
    {CUT}
""",
    "after a concurrent drop": f"""
op.execute("CREATE INDEX ix_old ON users (email)")
{BLOCK}op.execute("DROP INDEX CONCURRENTLY ix_old")
    {CUT}
""",
    "after a raw COMMIT": f"""
op.execute("ALTER TABLE users ADD COLUMN age int")
op.execute("COMMIT")
{CUT}
op.execute("CREATE INDEX CONCURRENTLY ix_age ON users (age)")
op.execute("ALTER TABLE users ADD CONSTRAINT positive CHECK (age > 0)")
""",
    "between statements outside of a transaction": f"""
op.execute("COMMIT")
op.execute("ALTER TABLE users ADD COLUMN age int")
{CUT}
op.execute("ALTER TABLE users ADD COLUMN size int")
""",
    "after a raw transaction of its own": f"""
op.execute("COMMIT")
op.execute("BEGIN")
op.execute("ALTER TABLE users ADD COLUMN age int")
op.execute("COMMIT")
{CUT}
op.execute("ALTER TABLE users ADD COLUMN size int")
""",
    "in a backfill that counts its rows": f"""
op.execute("ALTER TABLE users ADD COLUMN runs int DEFAULT 0")
{BLOCK}while op.get_bind().execute(sa.text(
        "UPDATE users SET done = true, runs = runs + 1"
        " WHERE id IN (SELECT id FROM users WHERE done IS NULL ORDER BY id LIMIT 10)")).rowcount:
        {CUT}
""",
    "between rows of many": f"""
{BLOCK}op.bulk_insert(sa.table("users", sa.column("id"), sa.column("email")),
                   [{{"id": 100 + n, "email": "x"}} for n in range(3)])
    {CUT}
""",
    "in the transaction after the block": f"""
{BLOCK}op.execute("ALTER TABLE users ADD COLUMN age int")
op.execute("UPDATE users SET age = 1")
{CUT}
op.execute("ALTER TABLE users ADD COLUMN size int")
""",
    "after an enum value": f"""
op.execute("CREATE TYPE mood AS ENUM ('sad')")
{BLOCK}op.execute("ALTER TYPE mood ADD VALUE 'happy'")
    {CUT}
op.execute("ALTER TABLE users ADD COLUMN mood mood DEFAULT 'happy'")
""",
    "before its stamp": f"""
op.execute("COMMIT")
op.execute("ALTER TABLE users ADD COLUMN age int")
{CUT}
""",
}


def dump(url: str) -> list[tuple[object, ...]]:
    columns = query(
        url,
        "SELECT attname::text, atttypid::regtype::text FROM pg_attribute"
        " WHERE attrelid = 'users'::regclass AND attnum > 0 ORDER BY attname",
    )
    indexes = query(
        url,
        "SELECT pg_get_indexdef(indexrelid), indisvalid FROM pg_index WHERE indrelid = 'users'::regclass ORDER BY 1",
    )
    rows = query(url, "SELECT to_jsonb(u)::text FROM users u ORDER BY id")
    return [*columns, *indexes, *rows]


UNGUARDED = ("after a build", "between statements outside of a transaction")


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        *((name, Environment.PRODUCTION) for name in CUTS),
        *((name, Environment.DEVELOPMENT) for name in UNGUARDED),
    ],
)
def test_the_next_run_goes_on_to_the_same_end(
    name: str,
    environment: Environment,
    make_database: MakeDatabase,
    small_project: SmallProject,
    make_runner: MakeRunner,
) -> None:
    undisturbed, cut = make_database(), make_database()
    small_project.add("0001_users", USERS + 'op.execute("CREATE TABLE cut (id int)")')
    for url in (undisturbed, cut):
        make_runner(url=url).upgrade()
    query(cut, "INSERT INTO cut VALUES (1)")
    small_project.add("0002_it", CUTS[name])
    make_runner(environment, url=undisturbed).upgrade()
    with pytest.raises(errors.DatabaseUnreachable):
        make_runner(environment, url=cut).upgrade()
    query(cut, "TRUNCATE cut")
    make_runner(environment, url=cut).upgrade()
    assert dump(cut) == dump(undisturbed)
    outcomes = [outcome for (outcome,) in query(cut, OUTCOMES)]
    assert outcomes[-1] == "done"
    assert "interrupted" in outcomes
    assert make_runner(environment, url=cut).upgrade().steps == ()


def test_going_on_is_told_with_who_and_when(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS + 'op.execute("CREATE TABLE cut (id int)")')
    small_project.add("0002_it", CUTS["before an autocommit block"])
    make_runner().upgrade("0001")
    query(database, "INSERT INTO cut VALUES (1)")
    with pytest.raises(errors.DatabaseUnreachable):
        make_runner().upgrade()
    query(database, "TRUNCATE cut")
    events: list[object] = []
    make_runner(listen=events.append).upgrade()
    (told,) = [each for each in events if isinstance(each, Continued)]
    assert (told.revision, told.statements) == ("0002_it", 1)
    assert told.since is not None
    assert "@" in told.runner


def fails(body: str) -> str:
    return f'op.execute("ALTER TABLE users ADD COLUMN age int")\n{BLOCK}{body}'


def test_a_mended_migration_goes_on_behind_what_it_had_committed(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    path = small_project.add("0002_it", fails('op.execute("SELECT 1/0")'))
    with pytest.raises(errors.MigrationFailed) as caught:
        make_runner().upgrade()
    assert str(caught.value.hint).startswith("1 of its statements are committed")
    path.unlink()
    small_project.add("0002_it", fails('op.execute("ALTER TABLE users ADD COLUMN size int")'))
    make_runner().upgrade()
    assert query(database, "SELECT age, size FROM users LIMIT 1") == [(None, None)]


def left_half_done(small_project: SmallProject, make_runner: MakeRunner) -> None:
    """`0002_it` has committed a column, and its file now begins with another one."""
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    path = small_project.add("0002_it", fails('op.execute("SELECT 1/0")'))
    with pytest.raises(errors.MigrationFailed):
        make_runner().upgrade()
    path.write_text(path.read_text().replace("age int", "years int").replace("1/0", "1"))


def test_another_beginning_is_no_reason_to_guess(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    left_half_done(small_project, make_runner)
    with pytest.raises(
        errors.MigrationFailed, match="left half done: 1 of its statements were committed"
    ) as caught:
        make_runner().upgrade()
    assert "--from-start" in str(caught.value.hint)
    assert query(database, "SELECT count(*) FROM pg_attribute WHERE attname = 'years'") == [(0,)]


def test_from_start_runs_it_from_its_beginning(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    left_half_done(small_project, make_runner)
    make_runner(from_start=True).upgrade()
    assert query(database, "SELECT age, years FROM users LIMIT 1") == [(None, None)]


def test_what_may_be_repeated_is_when_its_beginning_is_another_one(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    build = 'op.execute("CREATE INDEX CONCURRENTLY ix_email ON users (email)")'
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    path = small_project.add("0002_it", f'{BLOCK}{build}\n    op.execute("SELECT 1/0")')
    with pytest.raises(errors.MigrationFailed):
        make_runner().upgrade()
    path.write_text(
        path.read_text().replace(build, f'op.execute("VACUUM users")\n        {build}').replace("1/0", "1")
    )
    make_runner().upgrade()
    assert query(database, "SELECT indisvalid FROM pg_index WHERE indrelid = 'users'::regclass") == [(True,)]


def test_what_ran_again_from_its_start_is_gone_on_from_there(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """The newest attempt counts, not the one before it."""
    left_half_done(small_project, make_runner)
    path = small_project.project.versions / "0002_it.py"
    path.write_text(path.read_text().replace("SELECT 1", "SELECT 1/0"))
    with pytest.raises(errors.MigrationFailed):
        make_runner(from_start=True).upgrade()
    path.write_text(path.read_text().replace("1/0", "1"))
    make_runner().upgrade()
    assert query(database, "SELECT age, years FROM users LIMIT 1") == [(None, None)]


def test_a_second_connection_cannot_be_gone_on_from(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    small_project.add(
        "0002_it",
        """
        with op.get_bind().engine.begin() as second:
            second.execute(sa.text("CREATE TABLE aside (id int)"))
        op.execute("ALTER TABLE users ADD COLUMN age int")
        op.execute("COMMIT")
        op.execute("SELECT 1/0")
        """,
    )
    with pytest.raises(errors.MigrationFailed):
        make_runner().upgrade()
    with pytest.raises(errors.MigrationFailed, match="it uses a second connection"):
        make_runner().upgrade()


def test_a_retry_after_a_lock_timeout_goes_on_in_the_same_run(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    small_project.add(
        "0002_it",
        f'op.execute("CREATE TABLE other (id int)")\n{BLOCK}'
        'op.execute("ALTER TABLE users ADD COLUMN age int")',
    )
    events: list[object] = []
    with psycopg.connect(plain_url(database)) as other:
        other.execute("SELECT * FROM users")

        def listen(event: object) -> None:
            events.append(event)
            if type(event).__name__ == "Retrying":
                other.rollback()

        make_runner(terms=Terms(lock_timeout=0.2), listen=listen).upgrade()
    assert [each.statements for each in events if isinstance(each, Continued)] == [1]
    assert query(database, OUTCOMES) == [("done",)]


def test_what_the_server_refused_outside_of_a_transaction_is_sent_again(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    other = f"{name_of(database)}_redo"
    created = f'op.execute("CREATE TABLE t (id int)")\n{BLOCK}op.execute("CREATE DATABASE {other}")'
    small_project.add("0001_it", created)
    query(database, f"CREATE DATABASE {other}")
    try:
        with pytest.raises(errors.MigrationFailed, match="already exists") as caught:
            make_runner(Environment.DEVELOPMENT).upgrade()
        assert "it goes on after them" in str(caught.value.hint)
        query(database, f"DROP DATABASE {other}")
        make_runner(Environment.DEVELOPMENT).upgrade()
    finally:
        query(database, f"DROP DATABASE IF EXISTS {other}")
    assert query(database, "SELECT to_regclass('t')::text") == [("t",)]


def test_of_a_block_that_failed_outside_of_a_transaction_no_hint_promises_that_it_goes_on(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_it", f'{BLOCK}op.execute("DO $$ BEGIN PERFORM 1/0; END $$")')
    with pytest.raises(errors.MigrationFailed, match="division by zero") as caught:
        make_runner(Environment.DEVELOPMENT).upgrade()
    assert "it had left its transaction, and it cannot go on (nobody has recorded how" in str(
        caught.value.hint
    )
    assert "notifydb upgrade --from-start" in str(caught.value.hint)
    with pytest.raises(errors.MigrationFailed, match=r"nobody has recorded how statement \d ended") as caught:
        make_runner(Environment.DEVELOPMENT).upgrade()
    assert "0001_it was left half done by " in caught.value.message
    assert "notifydb upgrade --from-start" in str(caught.value.hint)


def test_of_rows_that_an_insert_returned_no_hint_promises_that_they_can_be_read_again(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    inserted = 'op.get_bind().execute(sa.text("INSERT INTO users VALUES (1) RETURNING id"))'
    fails = f'{BLOCK}%s\nop.execute("CREATE TABLE after AS SELECT 1/(SELECT count(*) - 1 FROM log)")'
    small_project.add("0001_users", 'op.execute("CREATE TABLE users (id int); CREATE TABLE log AS SELECT 1")')
    small_project.add("0002_reads", fails % f"{inserted}.scalar_one()")
    for why in ("division by zero", "does not return rows"):
        with pytest.raises(errors.MigrationFailed, match=why) as caught:
            make_runner().upgrade()
        assert "unless it reads the rows that one of them has returned" in str(caught.value.hint)
        assert "notifydb upgrade --from-start, if it may do them again" in str(caught.value.hint)
    small_project.add("0002_reads", fails % inserted, down="0001_users")
    query(database, "INSERT INTO log VALUES (2)")
    make_runner().upgrade()
    assert query(database, "SELECT count(*) FROM users") == [(1,)]


def test_of_a_second_connection_that_only_read_no_hint_says_that_all_was_rolled_back(
    small_project: SmallProject, make_runner: MakeRunner
) -> None:
    """The next run cannot go on, whatever was committed there; "0 of its statements" said nothing of it."""
    small_project.add(
        "0001_it",
        'with op.get_bind().engine.begin() as second:\n    second.execute(sa.text("SELECT 1"))\n'
        'op.execute("COMMIT")\nop.execute("SELECT 1/0")',
    )
    with pytest.raises(errors.MigrationFailed, match="division by zero") as caught:
        make_runner().upgrade()
    assert str(caught.value.hint).startswith(
        "it had left its transaction, and it cannot go on (it uses a second"
    )
    with pytest.raises(
        errors.MigrationFailed, match=r"left half done by .*, and it cannot go on: it uses a second"
    ):
        make_runner().upgrade()
