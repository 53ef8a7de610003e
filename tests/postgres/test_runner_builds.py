"""Indexes built concurrently: left-overs are healed, and what is not valid is not stamped."""

from __future__ import annotations

import threading

import psycopg
import pytest

from conftest import MakeRunner, SmallProject, query
from notifydb import errors
from notifydb.postgres.connect import plain_url
from notifydb.postgres.patience import Terms
from notifydb.runner.events import Built, Healed, Retrying

USERS = """
op.execute("CREATE TABLE users (id int, email text)")
op.execute("INSERT INTO users SELECT n, 'u' || n FROM generate_series(1, 100) n")
"""
BLOCK = "with op.get_context().autocommit_block():\n    "
BUILD = 'op.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_email ON users (lower(email)) WHERE id > 0")'
UNIQUE = f"{BLOCK}{BUILD}"
IF_NOT = UNIQUE.replace("CONCURRENTLY ix", "CONCURRENTLY IF NOT EXISTS ix")
RAW = f'op.execute("COMMIT")\n{BUILD}'
STATE = "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'users'::regclass ORDER BY 1"
FORMS = {"plain": UNIQUE, "if not exists": IF_NOT, "after a raw COMMIT": RAW}


@pytest.fixture
def users(small_project: SmallProject, make_runner: MakeRunner) -> SmallProject:
    small_project.add("0001_users", USERS)
    make_runner().upgrade()
    return small_project


def leave_invalid(url: str, index: str = "lower(email)", where: str = "WHERE id > 0") -> None:
    """What a build leaves that was cut short: it waits for an old transaction and is cancelled."""
    with psycopg.connect(plain_url(url)) as old, psycopg.connect(plain_url(url), autocommit=True) as builder:
        old.execute("INSERT INTO users VALUES (0, 'old')")
        builder.execute("SET statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            builder.execute(f"CREATE UNIQUE INDEX CONCURRENTLY ix_email ON users ({index}) {where}".encode())
        old.rollback()
    assert query(url, STATE) == [("ix_email", False)]


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_an_invalid_leftover_of_the_same_definition_is_dropped_and_rebuilt(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    leave_invalid(database)
    users.add("0002_index", body)
    events: list[object] = []
    make_runner(listen=events.append).upgrade()
    assert query(database, STATE) == [("ix_email", True)]
    assert [each for each in events if isinstance(each, Healed)] == [
        Healed("0002_index", "public.ix_email", again=True)
    ]


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_a_leftover_of_another_definition_is_an_error_that_says_what_to_do(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    leave_invalid(database, where="")
    users.add("0002_index", body)
    with pytest.raises(errors.MigrationFailed, match="is INVALID and has another definition") as caught:
        make_runner().upgrade()
    assert "DROP INDEX CONCURRENTLY public.ix_email" in str(caught.value.hint)
    assert query(database, STATE) == [("ix_email", False)]
    assert query(database, "SELECT version_num FROM alembic_version") == [("0001_users",)]


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS.keys())
def test_a_valid_index_of_the_same_definition_is_taken_as_it_is(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    query(database, "CREATE UNIQUE INDEX ix_email ON users (lower(email)) WHERE id > 0")
    before = query(database, "SELECT 'ix_email'::regclass::oid")
    users.add("0002_index", body)
    events: list[object] = []
    make_runner(listen=events.append).upgrade()
    assert query(database, "SELECT 'ix_email'::regclass::oid") == before
    assert any(isinstance(each, Built) for each in events)


def test_if_not_exists_does_not_pass_over_a_valid_index_of_another_definition(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    query(database, "CREATE INDEX ix_email ON users (id)")
    users.add("0002_index", IF_NOT)
    with pytest.raises(errors.MigrationFailed, match="has another definition"):
        make_runner().upgrade()


def test_a_build_that_fails_on_the_data_leaves_nothing_behind(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    query(database, "INSERT INTO users VALUES (101, 'U1')")
    users.add("0002_index", UNIQUE)
    events: list[object] = []
    with pytest.raises(errors.MigrationFailed, match="could not create unique index"):
        make_runner(listen=events.append).upgrade()
    assert query(database, STATE) == []
    assert [each for each in events if isinstance(each, Healed)] == [
        Healed("0002_index", "public.ix_email", again=False)
    ]


def test_a_build_that_somebody_else_is_at_is_left_to_them(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    users.add("0002_index", UNIQUE)
    with psycopg.connect(plain_url(database)) as old:
        old.execute("INSERT INTO users VALUES (0, 'old')")

        def build() -> None:
            with psycopg.connect(plain_url(database), autocommit=True) as other:
                other.execute(
                    "CREATE UNIQUE INDEX CONCURRENTLY ix_email ON users (lower(email)) WHERE id > 0"
                )

        thread = threading.Thread(target=build)
        thread.start()
        while not query(database, "SELECT FROM pg_stat_progress_create_index"):
            pass
        with pytest.raises(errors.LockNotAvailable, match="is being built by another session"):
            make_runner().upgrade()
        old.rollback()
        thread.join()
    assert query(database, STATE) == [("ix_email", True)]
    assert make_runner().upgrade().steps


def test_an_index_without_a_name_is_healed_by_its_definition(
    database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    with (
        psycopg.connect(plain_url(database)) as old,
        psycopg.connect(plain_url(database), autocommit=True) as it,
    ):
        old.execute("INSERT INTO users VALUES (0, 'old')")
        it.execute("SET statement_timeout = 300")
        with pytest.raises(psycopg.errors.QueryCanceled):
            it.execute("CREATE INDEX CONCURRENTLY ON users (email)")
    users.add("0002_index", f'{BLOCK}op.execute("CREATE INDEX CONCURRENTLY ON users (email)")')
    make_runner().upgrade()
    assert query(database, STATE) == [("users_email_idx", True)]


@pytest.mark.parametrize("body", [UNIQUE, IF_NOT])
def test_real_history_0550_and_0556_under_contention(
    body: str, database: str, users: SmallProject, make_runner: MakeRunner
) -> None:
    """Both forms of the field, with another transaction open for longer than the lock timeout."""
    users.add("0002_index", body)
    events: list[object] = []
    with psycopg.connect(plain_url(database)) as old:
        old.execute("INSERT INTO users VALUES (0, 'old')")
        timer = threading.Timer(1.5, old.rollback)
        timer.start()
        make_runner(terms=Terms(lock_timeout=0.2, attempts=3, deadline=20), listen=events.append).upgrade()
        timer.join()
    assert query(database, STATE) == [("ix_email", True)]
    assert not any(isinstance(each, Retrying) for each in events)
