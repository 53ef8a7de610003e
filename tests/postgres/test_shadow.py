"""Shadow databases: one clone for an unchanged chain, another template for a changed one."""

from __future__ import annotations

import secrets
import threading
import time

import pytest

from conftest import SmallProject, name_of, query
from notifydb import errors
from notifydb.migrator import execute
from notifydb.postgres.connect import autocommit_engine, make_engine
from notifydb.revisions.reader import read_history
from notifydb.shadow import database as shadow
from notifydb.shadow.database import Shadows

TABLES = (
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY 1"
)


@pytest.fixture
def server_url(make_database: object, database: str) -> str:
    return database


def shadows_of(url: str, small: SmallProject, told: list[str] | None = None, keep: int = 1000) -> Shadows:
    history = read_history(small.project.versions)
    return Shadows(url, small.project, history, keep=keep, progress=None if told is None else told.append)


@pytest.fixture
def grown(small_project: SmallProject) -> SmallProject:
    # Templates outlive a test run: the digest of each test has to be its own.
    unique = secrets.token_hex(4)
    small_project.add("0001_a", f'op.execute("CREATE TABLE a (id int)")  # {unique}')
    small_project.add("0002_b", 'op.execute("CREATE TABLE b (id int)")')
    return small_project


def _is_there(server_url: str, url: str) -> bool:
    return bool(query(server_url, f"SELECT 1 FROM pg_database WHERE datname = '{name_of(url)}'"))


def test_the_state_is_that_of_the_revision(server_url: str, grown: SmallProject) -> None:
    shadows = shadows_of(server_url, grown)
    with shadows.at("0001_a") as url:
        assert query(url, TABLES) == [("a",), ("alembic_version",)]
    with shadows.at("0002_b") as url:
        assert query(url, TABLES) == [("a",), ("alembic_version",), ("b",)]
    with shadows.at(None) as url:
        assert query(url, TABLES) == []


def test_a_second_replay_is_a_clone_only(server_url: str, grown: SmallProject) -> None:
    told: list[str] = []
    for _ in range(2):
        with shadows_of(server_url, grown, told).at("0002_b"):
            pass
    assert told == ["replaying 1/2 0001_a", "replaying 2/2 0002_b"]


def test_a_longer_chain_starts_from_the_template_of_its_prefix(server_url: str, grown: SmallProject) -> None:
    told: list[str] = []
    with shadows_of(server_url, grown, told).at("0001_a"):
        pass
    with shadows_of(server_url, grown, told).at("0002_b"):
        pass
    assert told == ["replaying 1/1 0001_a", "replaying 2/2 0002_b"]


def test_a_clone_that_a_migration_was_run_on_is_kept_as_its_template(
    server_url: str, grown: SmallProject
) -> None:
    told: list[str] = []
    shadows = shadows_of(server_url, grown, told)
    with shadows.at("0001_a") as url:
        execute.upgrade(make_engine(url), grown.project, "0002_b")
        shadows.keep_as("0002_b", url)
        assert not _is_there(server_url, url)
    with shadows.at("0002_b") as url:
        assert query(url, TABLES) == [("a",), ("alembic_version",), ("b",)]
    assert told == ["replaying 1/1 0001_a"]


def test_a_clone_in_use_is_not_kept(server_url: str, grown: SmallProject) -> None:
    shadows = shadows_of(server_url, grown)
    with shadows.at("0001_a") as url:
        execute.upgrade(make_engine(url), grown.project, "0002_b")
        with make_engine(url).connect():
            shadows.keep_as("0002_b", url)
            assert _is_there(server_url, url)


def test_an_edited_migration_never_meets_the_old_template(server_url: str, grown: SmallProject) -> None:
    with shadows_of(server_url, grown).at("0002_b"):
        pass
    grown.add("0002_b", 'op.execute("CREATE TABLE c (id int)")', down="0001_a")
    with shadows_of(server_url, grown).at("0002_b") as url:
        assert query(url, TABLES) == [("a",), ("alembic_version",), ("c",)]


def test_a_clone_is_dropped_after_use(server_url: str, grown: SmallProject) -> None:
    with shadows_of(server_url, grown).at("0001_a") as url:
        assert _is_there(server_url, url)
    assert not _is_there(server_url, url)


def test_a_failing_replay_leaves_no_template(server_url: str, grown: SmallProject) -> None:
    grown.add("0003_fails", 'op.execute("SELECT 1/0")')
    for _ in range(2):
        with pytest.raises(errors.MigrationFailed), shadows_of(server_url, grown).at("0003_fails"):
            pass


def test_two_commands_at_once_build_one_template(server_url: str, grown: SmallProject) -> None:
    grown.add("0003_slow", 'op.execute("SELECT pg_sleep(0.3)")')
    told: list[str] = []

    def replay() -> None:
        with shadows_of(server_url, grown, told).at("0003_slow"):
            pass

    # Alembic's proxies are global, so only one thread may replay; the other must find the template made.
    threads = [threading.Thread(target=replay) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["replaying 1/3 0001_a", "replaying 2/3 0002_b", "replaying 3/3 0003_slow"]


def test_the_oldest_templates_are_reaped(
    server_url: str, grown: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "TEMPLATE", "reaptest_t_")
    monkeypatch.setattr(shadow, "CLONE", "reaptest_c_")
    names = "SELECT count(*) FROM pg_database WHERE datname LIKE 'reaptest_t_%'"
    try:
        for number in range(3, 7):
            grown.add(f"000{number}_more", "pass")
            with shadows_of(server_url, grown, keep=2).at(f"000{number}_more"):
                pass
        assert query(server_url, names) == [(2,)]
    finally:
        for (name,) in query(server_url, "SELECT datname FROM pg_database WHERE datname LIKE 'reaptest_%'"):
            with autocommit_engine(server_url).connect() as conn:
                conn.exec_driver_sql(f'DROP DATABASE "{name}"')


def test_a_clone_that_another_command_has_just_made_is_not_reaped(
    server_url: str, grown: SmallProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "CLONE", "reapclone_")
    made = {f"reapclone_{int(time.time()) - age}_x": age for age in (0, 7200)}
    with autocommit_engine(server_url).connect() as conn:
        for name in made:
            # No comment yet: that comes a moment later.
            conn.exec_driver_sql(f'CREATE DATABASE "{name}"')
        grown.add("0003_reaps", "pass")
        with shadows_of(server_url, grown).at("0003_reaps"):
            pass
        left = query(server_url, "SELECT datname FROM pg_database WHERE datname LIKE 'reapclone_%'")
        conn.exec_driver_sql(f'DROP DATABASE "{next(iter(made))}"')
    assert left == [(next(iter(made)),)]


def test_a_server_that_is_not_there(grown: SmallProject) -> None:
    with (
        pytest.raises(errors.ShadowUnavailable),
        shadows_of("postgresql://nobody@127.0.0.1:1/x", grown).at("0001_a"),
    ):
        pass


def test_a_file_beside_the_migrations_is_part_of_what_made_a_template(
    server_url: str, grown: SmallProject
) -> None:
    beside = grown.project.versions / "helper.txt"
    told: list[str] = []
    for content in ("one", "two"):
        beside.write_text(content)
        with shadows_of(server_url, grown, told).at("0001_a"):
            pass
    assert told == ["replaying 1/1 0001_a"] * 2
