"""Where no migration could be run: a replica, a read-only database, a pooler that shares sessions."""

from __future__ import annotations

import re
import threading
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from pooler import pooler

from conftest import MakeRunner, SmallProject, name_of, query
from notifydb import errors
from notifydb.postgres import advisory
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.endpoint import check_endpoint, wait_until_reachable
from notifydb.shadow.server import Server


def through(url: str, port: int) -> str:
    """The same database, by way of a port of this machine."""
    found = sa.make_url(url).set(host="127.0.0.1", port=port, query={})
    return found.render_as_string(hide_password=False)


def socket_of(url: str) -> str:
    where = sa.make_url(url).query
    return f"{where['host']}/.s.PGSQL.{where['port']}"


def test_a_server_itself_is_fine(database: str) -> None:
    check_endpoint(database)


def test_a_pooler_in_transaction_mode_is_refused_with_the_reason(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_one", "pass")
    with pooler(socket_of(database), shared=True) as port:
        runner = make_runner(url=through(database, port))
        with pytest.raises(errors.ConfigurationError, match="a pooler in transaction mode") as caught:
            runner.upgrade()
    assert "DATABASE_URL" in str(caught.value.hint)
    assert query(database, "SELECT to_regclass('alembic_version')::text") == [(None,)]


def test_a_pooler_in_session_mode_is_let_pass(database: str) -> None:
    with pooler(socket_of(database), shared=False) as port:
        check_endpoint(through(database, port))


def test_a_read_only_database_is_refused(
    database: str, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_one", "pass")
    query(database, f"ALTER DATABASE {name_of(database)} SET default_transaction_read_only = on")
    with pytest.raises(errors.ConfigurationError, match="read-only"):
        make_runner().upgrade()


def test_a_replica_is_refused(
    server: Server, tmp_path: Path, small_project: SmallProject, make_runner: MakeRunner
) -> None:
    small_project.add("0001_one", "pass")
    own = Server(tmp_path / "own", server.binaries)
    own.start()
    own.stop()
    (own.data / "standby.signal").touch()
    with suppress(psycopg.errors.ReadOnlySqlTransaction):
        # It makes its database where that is missing.
        own.start()
    try:
        with pytest.raises(errors.ConfigurationError, match="read replica"):
            make_runner(url=own.url("postgres")).upgrade()
    finally:
        own.stop()


def test_waiting_for_a_server_that_comes_up(server: Server, tmp_path: Path) -> None:
    own = Server(tmp_path / "own", server.binaries)
    own.start()
    own.stop()
    told: list[str] = []
    thread = threading.Timer(1, own.start)
    thread.start()
    try:
        wait_until_reachable(own.url("postgres"), 30, told.append)
        check_endpoint(own.url("postgres"))
    finally:
        thread.join()
        own.stop()
    assert told


def test_waiting_ends(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(errors.DatabaseUnreachable):
        wait_until_reachable("postgresql://u@127.0.0.1:1/x", 1, lambda _: None)
    assert 1 <= time.monotonic() - began < 5


def test_what_waiting_does_not_mend_is_told_at_once(server_url: str) -> None:
    began = time.monotonic()
    missing = sa.make_url(server_url).set(database="not_there").render_as_string(hide_password=False)
    with pytest.raises(errors.ConfigurationError, match="does not exist"):
        wait_until_reachable(missing, 30, lambda _: None)
    assert time.monotonic() - began < 5


# -- the lock --

LOCKS = (
    "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
    " WHERE d.datname = current_database() AND l.locktype = 'advisory'"
)


def test_a_server_that_goes_away_while_the_lock_is_asked_for_is_told_as_such(database: str) -> None:
    """A restore that was cut there ended as a bug of notifydb."""

    def cut(_holder: str) -> None:
        query(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name LIKE 'notifydb lock%' AND pid NOT IN (SELECT pid FROM pg_locks"
            " WHERE locktype = 'advisory')",
        )

    with (
        advisory_lock(database, wait=0),
        pytest.raises(errors.DatabaseUnreachable),
        advisory_lock(database, wait=30, waiting=cut),
    ):
        pass


def test_a_server_that_is_not_there_has_no_lock_to_give() -> None:
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    with pytest.raises(errors.DatabaseUnreachable), advisory_lock(nowhere, wait=0):
        pass


@pytest.mark.parametrize("failure", [None, errors.MigrationFailed("x"), ValueError("x")])
def test_the_lock_is_free_before_its_session_ends(
    database: str, failure: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends a session a moment after the client has left it: the next runner may be there by then."""
    invalidate, seen = sa.Connection.invalidate, list[object]()

    def look(conn: sa.Connection) -> None:
        seen.append(query(database, LOCKS))
        invalidate(conn)

    monkeypatch.setattr(sa.Connection, "invalidate", look)
    with suppress(errors.MigrationFailed, ValueError), advisory_lock(database, wait=0):
        assert query(database, LOCKS) == [(1,)]
        if failure is not None:
            raise failure
    assert seen == [[(0,)]]


def test_the_holder_is_told_to_a_role_that_may_not_look_at_its_session(database: str) -> None:
    role = f"other_{name_of(database)}"
    query(database, f"CREATE ROLE {role} LOGIN")
    url = sa.make_url(database).set(username=role).render_as_string(hide_password=False)
    try:
        with (
            advisory_lock(database, wait=0),
            pytest.raises(errors.RunnerActive) as raised,
            advisory_lock(url, wait=0),
        ):
            pass
    finally:
        query(database, f"DROP ROLE {role}")
    assert re.search(r"database: notifydb lock \S+ \(pid \d+\)$", raised.value.message)


def test_who_finds_the_holder_gone_asks_again(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder gave the lock back after it was asked for and before it was looked for."""
    holder = advisory_lock(database, wait=0)
    holder.__enter__()

    def gone(conn: sa.Connection, key: int) -> str | None:
        holder.__exit__(None, None, None)
        return look(conn, key)

    look = advisory._holder
    monkeypatch.setattr(advisory, "_holder", gone)
    with advisory_lock(database, wait=0):
        assert query(database, LOCKS) == [(1,)]


# -- what waiting does not mend --


def test_a_role_that_may_not_log_in_is_a_matter_of_configuration(database: str) -> None:
    """As exit 4 it was waited for, and tried again by every job."""
    role = f"nobody_{name_of(database)}"
    query(database, f"CREATE ROLE {role} NOLOGIN")
    url = sa.make_url(database).set(username=role).render_as_string(hide_password=False)
    try:
        with pytest.raises(errors.ConfigurationError, match="is not permitted to log in"):
            wait_until_reachable(url, 30, lambda _: None)
    finally:
        query(database, f"DROP ROLE {role}")


@pytest.mark.parametrize("parameters", ["sslmode=bogus", "service=there_is_none"])
def test_an_address_that_no_waiting_mends(database: str, parameters: str) -> None:
    with pytest.raises(errors.ConfigurationError, match="cannot be connected to like this"):
        wait_until_reachable(f"{database}&{parameters}", 30, lambda _: None)
