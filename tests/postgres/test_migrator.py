"""Old migrations run as they are, each in a transaction of its own."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from conftest import SmallProject, query
from notifydb import errors
from notifydb.migrator import execute
from notifydb.postgres.connect import make_engine

TABLE = 'op.execute("CREATE TABLE users (id int PRIMARY KEY, name text)")'


def upgrade(url: str, small: SmallProject, target: str = "heads") -> list[execute.Event]:
    events: list[execute.Event] = []
    execute.upgrade(make_engine(url), small.project, target, listen=events.append)
    return events


def version(url: str) -> list[tuple[object, ...]]:
    return query(url, "SELECT version_num FROM alembic_version")


def test_a_tuple_is_a_list_for_in_as_on_psycopg2(database: str) -> None:
    with make_engine(database).connect() as conn:
        found = conn.execute(
            sa.text("SELECT name FROM (VALUES ('a'), ('it''s'), ('c')) AS t (name) WHERE name IN :names"),
            {"names": ("a", "it's")},
        )
        assert found.scalars().all() == ["a", "it's"]
        ids = conn.execute(sa.text("SELECT 1 WHERE :id IN :ids"), {"id": UUID(int=1), "ids": (UUID(int=1),)})
        assert ids.scalar() == 1


def test_raw_commit_before_a_concurrent_index_runs_as_on_psycopg2(
    database: str, small_project: SmallProject
) -> None:
    small_project.add("0001_users", TABLE)
    small_project.add(
        "0002_index",
        """
        op.execute("COMMIT")
        op.execute("CREATE INDEX CONCURRENTLY ix_users_name ON users (name)")
        """,
    )
    small_project.add("0003_after", 'op.execute("INSERT INTO users VALUES (1)")\nop.execute("SELECT 1/1")')
    upgrade(database, small_project)
    assert version(database) == [("0003_after",)]
    assert query(
        database, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_users_name'::regclass"
    ) == [(True,)]


def test_the_migration_after_a_raw_commit_is_transactional_again(
    database: str, small_project: SmallProject
) -> None:
    small_project.add("0001_commit", f'{TABLE}\nop.execute("COMMIT")\nop.execute("VACUUM users")')
    small_project.add("0002_fails", 'op.execute("INSERT INTO users VALUES (1)")\nop.execute("SELECT 1/0")')
    with pytest.raises(errors.MigrationFailed) as caught:
        upgrade(database, small_project)
    assert caught.value.revision == "0002_fails"
    assert query(database, "SELECT count(*) FROM users") == [(0,)]
    assert version(database) == [("0001_commit",)]


def test_autocommit_block_after_a_raw_commit(database: str, small_project: SmallProject) -> None:
    small_project.add("0001_users", TABLE)
    small_project.add(
        "0002_mixed",
        """
        op.execute("COMMIT")
        with op.get_context().autocommit_block():
            op.execute("CREATE INDEX CONCURRENTLY ix_users_name ON users (name)")
        op.execute("INSERT INTO users VALUES (1)")
        """,
    )
    upgrade(database, small_project)
    assert query(database, "SELECT count(*) FROM users") == [(1,)]


@pytest.mark.parametrize(
    "body",
    [
        "op.execute(\"INSERT INTO users VALUES (1, '100%'); INSERT INTO users VALUES (2, 'x')\")",
        "op.execute(\"INSERT INTO users VALUES (1, '{\\\"a\\\"\\\\:1}'), (2, 'a%sb')\")",
        """
        for number, in list(op.get_bind().execute(sa.text("SELECT generate_series(1, 2)"))):
            op.get_bind().execute(sa.text("INSERT INTO users VALUES (:n)"), {"n": number})
        """,
        """
        from sqlalchemy.orm import Session
        session = Session(bind=op.get_bind())
        session.execute(sa.text("INSERT INTO users VALUES (1), (2)"))
        session.commit()
        """,
        """
        op.get_bind().exec_driver_sql("INSERT INTO users VALUES (1, ':b'); INSERT INTO users VALUES (2, '%')")
        """,
    ],
)
def test_old_ways_to_write_data(body: str, database: str, small_project: SmallProject) -> None:
    small_project.add("0001_users", TABLE)
    small_project.add("0002_data", body)
    upgrade(database, small_project)
    assert query(database, "SELECT count(*) FROM users") == [(2,)]
    assert version(database) == [("0002_data",)]


def test_each_migration_commits_by_itself(database: str, small_project: SmallProject) -> None:
    small_project.add("0001_users", TABLE)
    small_project.add("0002_fails", 'op.execute("CREATE TABLE half (id int)")\nop.execute("SELECT 1/0")')
    with pytest.raises(
        errors.MigrationFailed, match=r"0002_fails failed in upgrade\(\) at 0002_fails.py:1\d: division"
    ):
        upgrade(database, small_project)
    assert version(database) == [("0001_users",)]
    assert query(database, "SELECT to_regclass('half')::text") == [(None,)]


def test_what_a_failed_migration_left_behind_is_told(database: str, small_project: SmallProject) -> None:
    small_project.add("0001_left", f'{TABLE}\nop.execute("COMMIT")\nop.execute("SELECT 1/0")')
    with pytest.raises(errors.MigrationFailed) as caught:
        upgrade(database, small_project)
    assert "had left its transaction" in str(caught.value.hint)


def test_events_tell_the_plan_then_each_step(database: str, small_project: SmallProject) -> None:
    small_project.add_all({"0001_one": "pass", "0002_two": "pass"})
    kinds = [
        (type(event).__name__, getattr(event, "revision", getattr(event, "revisions", None)))
        for event in upgrade(database, small_project)
    ]
    assert kinds == [
        ("Planned", ("0001_one", "0002_two")),
        ("Started", "0001_one"),
        ("Ran", "0001_one"),
        ("Applied", "0001_one"),
        ("Committed", "0001_one"),
        ("Started", "0002_two"),
        ("Ran", "0002_two"),
        ("Applied", "0002_two"),
        ("Committed", "0002_two"),
    ]


def test_what_a_listener_writes_is_atomic_with_the_stamp(database: str, small_project: SmallProject) -> None:
    small_project.add("0001_users", TABLE)

    def listen(event: execute.Event) -> None:
        if isinstance(event, execute.Applied):
            event.connection.execute(sa.text("INSERT INTO users VALUES (1)"))
            raise errors.Refused("no")

    with pytest.raises(errors.Refused):
        execute.upgrade(make_engine(database), small_project.project, listen=listen)
    assert query(database, "SELECT to_regclass('users')::text, to_regclass('alembic_version')::text") == [
        (None, None)
    ]


@pytest.mark.parametrize(
    ("meanwhile", "rows"),
    [("UPDATE alembic_version SET version_num = 'x'", 0), ("DELETE FROM alembic_version", 0)],
)
def test_a_stamp_finds_the_database_where_it_was(
    meanwhile: str, rows: int, database: str, small_project: SmallProject
) -> None:
    small_project.add("0001_users", TABLE)
    execute.upgrade(make_engine(database), small_project.project)
    small_project.add("0002_moves", f'op.execute("CREATE TABLE two (id int)")\nop.execute("{meanwhile}")')
    with pytest.raises(errors.HistoryError, match=f"held 0001_users .* now in {rows} rows"):
        execute.upgrade(make_engine(database), small_project.project)
    assert query(database, "SELECT version_num, to_regclass('two')::text FROM alembic_version") == [
        ("0001_users", None)
    ]


def test_branches_and_merges_are_stamped_as_alembic_does(database: str, small_project: SmallProject) -> None:
    small_project.add("0001_users", TABLE)
    small_project.add("0002_left", "pass", down="0001_users")
    small_project.add("0003_right", "pass", down="0001_users")
    merge = small_project.add("0004_merge", "pass", down="0003_right")
    merge.write_text(merge.read_text().replace("'0003_right'", "('0002_left', '0003_right')", 1))
    engine, stamps = make_engine(database), "SELECT version_num FROM alembic_version ORDER BY 1"
    for direction, target, held in (
        (execute.upgrade, "0003_right", ["0003_right"]),
        (execute.upgrade, "0002_left", ["0002_left", "0003_right"]),
        (execute.upgrade, "heads", ["0004_merge"]),
        (execute.downgrade, "0001_users", ["0001_users"]),
        (execute.downgrade, "base", []),
    ):
        direction(engine, small_project.project, target)
        assert query(database, stamps) == [(each,) for each in held]


def test_a_revision_of_another_branch_is_a_history_error(database: str, small_project: SmallProject) -> None:
    path = small_project.add("0001_gone", "pass")
    upgrade(database, small_project)
    path.unlink()
    small_project.add("0001_other", "pass")
    with pytest.raises(errors.HistoryError, match="0001_gone"):
        upgrade(database, small_project)


def test_a_migration_that_cannot_be_imported_is_told_with_its_line(
    database: str, small_project: SmallProject
) -> None:
    path = small_project.add("0001_env", "pass")
    path.write_text(path.read_text() + "\nimport os\nNAME = os.environ['NOTIFY_NOT_SET']\n")
    with pytest.raises(errors.ConfigurationError, match=r"0001_env.py:2\d: KeyError: 'NOTIFY_NOT_SET'"):
        upgrade(database, small_project)


def test_downgrade_and_stamp(database: str, small_project: SmallProject) -> None:
    small_project.add("0001_users", TABLE, 'op.execute("DROP TABLE users")')
    small_project.add("0002_two", "pass")
    upgrade(database, small_project)
    execute.downgrade(make_engine(database), small_project.project, "0001_users")
    assert version(database) == [("0001_users",)]
    execute.downgrade(make_engine(database), small_project.project, "base")
    assert query(database, "SELECT to_regclass('users')::text") == [(None,)]
    execute.stamp(make_engine(database), small_project.project, "heads")
    assert version(database) == [("0002_two",)]


def test_a_server_that_is_not_there_is_unreachable(small_project: SmallProject) -> None:
    small_project.add("0001_one", "pass")
    with pytest.raises(errors.DatabaseUnreachable):
        upgrade("postgresql://nobody@127.0.0.1:1/nothing", small_project)


def test_a_migration_without_upgrade_is_named_before_anything_runs(
    small_project: SmallProject, database: str
) -> None:
    small_project.add("0001_a", 'op.execute("CREATE TABLE a (id int)")')
    path = small_project.add("0002_b", "pass")
    path.write_text(path.read_text().replace("def upgrade", "def upgrad"))
    with pytest.raises(errors.MigrationFailed, match=r"0002_b has no upgrade\(\)"):
        execute.upgrade(make_engine(database), small_project.project)
    assert query(database, "SELECT to_regclass('a')::text") == [(None,)]
