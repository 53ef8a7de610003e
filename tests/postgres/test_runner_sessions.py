"""What a session, its role or the database itself has set or holds that once stopped a run without a clear word."""

from __future__ import annotations

import psycopg
import pytest
from postgres.test_runner_bugs import BLOCK, LOCKED, QUICK, USERS, VERSION, retried, users

from cli.conftest import Notifydb, notifydb
from conftest import MakeRunner, SmallProject, name_of, query
from notifydb import errors
from notifydb.postgres.connect import plain_url
from notifydb.runner.events import Retrying
from notifydb.settings import Environment

__all__ = ["notifydb", "users"]


def test_a_role_that_a_migration_has_set_need_not_reach_the_history(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    role = f"owner_{name_of(database)}"
    query(database, f"CREATE ROLE {role}")
    query(database, f"GRANT CREATE, USAGE ON SCHEMA public TO {role}; GRANT ALL ON alembic_version TO {role}")
    users.add("0002_sets", f'op.execute("SET ROLE {role}; CREATE TABLE theirs (id int)")')
    users.add("0003_goes_on", 'op.execute("CREATE TABLE theirs_too (id int)")')
    try:
        assert len(make_runner().upgrade().steps) == 2
        owners = query(database, "SELECT tableowner FROM pg_tables WHERE tablename LIKE 'theirs%'")
        assert owners == [(role,), (role,)]
        done = "SELECT count(*) FROM notifydb.history WHERE operation = 'upgrade' AND outcome = 'done'"
        assert query(database, done) == [(3,)]
    finally:
        query(database, f"DROP OWNED BY {role}; DROP ROLE {role}")


@pytest.mark.parametrize(
    "leaving",
    [
        'op.execute("CREATE TABLE theirs (id int)")\nop.execute("COMMIT")',
        'op.execute("CREATE TABLE theirs (id int); COMMIT")',
        f'{BLOCK}op.execute("CREATE TABLE theirs (id int)")',
        # It fails bare, which takes its record back outside of any transaction.
        (
            f'{BLOCK}op.execute("CREATE TABLE theirs (id int)")\n    try:\n'
            f'        op.execute("CREATE DATABASE no")\n    except sa.exc.DBAPIError:\n        pass'
        ),
    ],
)
def test_a_role_that_a_migration_has_set_need_not_reach_the_history_of_its_parts(
    leaving: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    role = f"owner_{name_of(database)}"
    query(database, f"CREATE ROLE {role}")
    query(database, f"GRANT CREATE, USAGE ON SCHEMA public TO {role}; GRANT ALL ON alembic_version TO {role}")
    after = 'op.execute("CREATE TABLE theirs_too AS SELECT current_user::text AS made_by")'
    users.add("0002_sets", f'op.execute("SET ROLE {role}")\n{leaving}\n{after}')
    try:
        make_runner(Environment.DEVELOPMENT).upgrade()
        owners = query(database, "SELECT tableowner FROM pg_tables WHERE tablename LIKE 'theirs%'")
        assert owners == [(role,), (role,)]
        assert query(database, "SELECT made_by FROM theirs_too") == [(role,)]
    finally:
        query(database, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_downgrade_that_is_half_done_is_not_called_nothing_to_do(
    database: str, users: SmallProject, notifydb: Notifydb
) -> None:
    """The stamp stays until it is whole, and what it took is missing at what seems to be the head."""
    there = {"DATABASE_URL": database, "NOTIFYDB_ENVIRONMENT": "development"}
    back = 'op.execute("DROP TABLE ages")\nop.execute("COMMIT")\nop.execute("SELECT 1/0")'
    users.add("0002_ages", 'op.execute("CREATE TABLE ages (id int)")', back)
    assert notifydb("upgrade", **there).code == 0
    assert notifydb("downgrade", "-1", **there).code == 6
    for command in (("upgrade",), ("upgrade", "--dry-run"), ("status",), ("status", "--at-head")):
        told = notifydb(*command, **there)
        assert told.code == (6 if command[0] == "upgrade" else 1)
        assert "0002_ages is half taken back" in told.err
        assert "next: notifydb downgrade 0001_users takes back the rest; or bring back by hand" in told.err
    document = notifydb("status", "--format", "json", **there).json
    assert (document["at_head"], document["half_taken_back"]) == (False, ["0002_ages"])
    query(database, "CREATE TABLE ages (id int)")
    assert notifydb("stamp", "0002_ages", **there).code == 0
    assert notifydb("upgrade", **there).code == 0
    assert notifydb("downgrade", "-1", **there).code == 6
    users.add(
        "0002_ages", 'op.execute("CREATE TABLE ages (id int)")', back.replace("1/0", "1"), down="0001_users"
    )
    assert notifydb("downgrade", "0001_users", **there).code == 0
    assert notifydb("upgrade", **there).code == 0


def test_a_role_whose_idle_sessions_are_ended_keeps_the_runners_own(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    """The one with the lock, and the guard's, were lost while the migration worked (exit 4)."""
    query(database, f"ALTER DATABASE {name_of(database)} SET idle_session_timeout = 100")
    works = 'op.execute("SELECT pg_sleep(0.4)")'
    users.add("0002_works", f'op.execute("CREATE TABLE a ()")\nop.execute("COMMIT")\n{works}')
    users.add("0003_too", f'{works}\nop.execute("ALTER TABLE users ADD COLUMN age int")')
    assert len(make_runner().upgrade().steps) == 2
    users.add("0004_waits", LOCKED.replace("age", "size"))
    retried(database, make_runner)
    assert query(database, VERSION) == [("0004_waits",)]


@pytest.mark.parametrize(
    ("sets", "setting"),
    [
        ('op.execute("SET idle_in_transaction_session_timeout = 50")', "idle_in_transaction_session_timeout"),
        (f'{BLOCK}op.execute("SET idle_session_timeout = 50")', "idle_session_timeout"),
    ],
)
def test_a_migration_that_idles_longer_than_it_has_allowed_itself_is_told_which_setting_it_was(
    sets: str, setting: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_idles", f"import time\n{sets}\n{'    ' if BLOCK in sets else ''}time.sleep(0.3)\n{LOCKED}"
    )
    with pytest.raises(
        errors.MigrationFailed, match=f"0002_idles took longer than {setting} allows"
    ) as caught:
        make_runner().upgrade()
    assert f"raise {setting} in the migration or for the role" in str(caught.value.hint)
    outcomes = "SELECT outcome FROM notifydb.history WHERE revision = '0002_idles'"
    assert query(database, outcomes) == [("failed",)]


def test_a_search_path_without_a_schema_is_told(
    database: str, small_project: SmallProject, notifydb: Notifydb
) -> None:
    query(database, f"ALTER DATABASE {name_of(database)} SET search_path = nowhere")
    small_project.add("0001_users", USERS)
    told = notifydb("upgrade", DATABASE_URL=database)
    assert told.code == 2, told.err
    assert "a schema is not there: no schema has been selected to create in" in told.err
    assert "next: SHOW search_path; create what it names" in told.err


@pytest.mark.parametrize("command", ["upgrade", "downgrade base", "status", "current", "doctor"])
def test_a_version_table_with_a_null_is_told(
    command: str, database: str, small_project: SmallProject, notifydb: Notifydb
) -> None:
    small_project.add("0001_users", USERS)
    query(database, "CREATE TABLE alembic_version (version_num varchar(32))")
    query(database, "INSERT INTO alembic_version VALUES (NULL)")
    told = notifydb(*command.split(), DATABASE_URL=database, NOTIFYDB_ENVIRONMENT="development")
    assert told.code == 2, told.err
    assert "alembic_version holds a row without a revision" in told.err
    assert "next: DELETE FROM alembic_version WHERE version_num IS NULL;" in told.err


@pytest.mark.parametrize("command", ["upgrade", "upgrade --sql", "stamp 0001-users"])
def test_an_id_that_alembic_refuses_is_told(
    command: str, database: str, small_project: SmallProject, notifydb: Notifydb
) -> None:
    small_project.add("0001-users", USERS)
    told = notifydb(*command.split(), DATABASE_URL=database, NOTIFYDB_ENVIRONMENT="development")
    assert told.code == 2, told.err
    assert "Character(s) '-' not allowed in revision identifier '0001-users'" in told.err
    assert notifydb("migrate", "renumber", "--all").code == 0
    assert notifydb("upgrade", DATABASE_URL=database, NOTIFYDB_ENVIRONMENT="development").code == 0


def test_a_migration_that_has_closed_its_connection_is_not_said_to_be_retried(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add(
        "0002_closes", f"try:\n    {LOCKED}\nexcept sa.exc.DBAPIError:\n    op.get_bind().close()\n    raise"
    )
    events: list[object] = []
    with psycopg.connect(plain_url(database)) as other:
        other.execute("SELECT * FROM users")
        with pytest.raises(errors.LockNotAvailable, match="0002_closes did not get a lock"):
            make_runner(terms=QUICK, listen=events.append).upgrade()
    assert not any(isinstance(each, Retrying) for each in events)
    make_runner().upgrade()
