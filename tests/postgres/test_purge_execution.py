"""All or nothing: what stops an execution, in the middle or before it, and what it leaves."""

from __future__ import annotations

import threading

import pytest
from postgres.purge_support import (
    PREFIX,
    address,
    database_of,
    dump,
    execute_on,
    permit_for,
    plan_of,
    purge,
    run,
    settings,
)

from conftest import query
from notifydb import errors
from notifydb.postgres import ledger, own
from notifydb.postgres.connect import autocommit_engine, make_engine
from notifydb.purge.events import Deleting, Event, Reading
from notifydb.purge.execute import How, execute
from notifydb.purge.plan import build_plan
from notifydb.settings.environment import Environment

TEST, REAL = 1, 2
USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL)",
    f"INSERT INTO users VALUES ({TEST}, '{address()}'), ({REAL}, 'person@example.gov')",
)


@pytest.fixture
def users(database: str) -> str:
    """A database with one test user and one real user."""
    run(database, *USERS)
    return database


#: Here, whatever other tests wait for on the same server.
WAITING = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_a_team_that_somebody_joins_while_the_lock_is_waited_for(users: str) -> None:
    run(
        users,
        "CREATE TABLE teams (id int PRIMARY KEY)",
        "CREATE TABLE members (user_id int REFERENCES users, team_id int REFERENCES teams)",
        "INSERT INTO teams VALUES (1)",
        f"INSERT INTO members VALUES ({TEST}, 1)",
    )
    chosen = settings(owned_through=("members(user_id -> team_id) -> teams(id)",), lock_timeout=60)
    plan, failed = plan_of(users, chosen), list[BaseException]()

    def attempt() -> None:
        try:
            execute_on(users, plan)
        except errors.NotifydbError as error:
            failed.append(error)

    purging = threading.Thread(target=attempt)
    with make_engine(users).begin() as joining:
        joining.exec_driver_sql(f"INSERT INTO members VALUES ({REAL}, 1)")
        purging.start()
        while not query(users, WAITING):
            assert purging.is_alive()
    purging.join()
    assert isinstance(failed[0], errors.Refused)
    assert "changed before they could be locked" in failed[0].reasons[0]
    assert query(users, "SELECT count(*) FROM members") == [(2,)]


def test_a_read_only_server(users: str) -> None:
    run(users, f"ALTER DATABASE {database_of(users)} SET default_transaction_read_only = on")
    with pytest.raises(errors.Refused) as refused:
        plan_of(users)
    assert refused.value.reasons == ("the server or the session only reads",)


@pytest.mark.parametrize(
    "body",
    [
        "INSERT INTO log VALUES (OLD.id, OLD.user_id); RETURN OLD",
        "UPDATE counters SET n = n + 1; RETURN OLD",
        f"DELETE FROM a WHERE user_id = {REAL}; RETURN OLD",
        "RETURN NULL",
    ],
    ids=["writes history", "changes others", "deletes more", "refuses to die"],
)
def test_what_a_trigger_does_beyond_the_plan_undoes_all(users: str, body: str) -> None:
    run(
        users,
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)",
        "CREATE TABLE log (id int, user_id int)",
        "CREATE TABLE counters (n int)",
        "INSERT INTO counters VALUES (0)",
        f"INSERT INTO a VALUES (1, {TEST}), (2, {REAL})",
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; END $$",
        f"CREATE TRIGGER t BEFORE DELETE ON a FOR EACH ROW WHEN (OLD.user_id = {TEST}) EXECUTE FUNCTION f()",
    )
    before = dump(users)
    plan = plan_of(users)
    assert "a has a trigger on delete" in plan.warnings[0]
    # A row that does not die keeps its parent from being deleted, before anything can be proved.
    with pytest.raises((errors.ProofFailed, errors.Unavailable)):
        execute_on(users, plan)
    assert dump(users) == before


def test_a_permit_for_another_database(users: str) -> None:
    plan, before = plan_of(users), dump(users)
    with pytest.raises(errors.Refused):
        execute(users, permit_for("somewhere_else"), plan, How(None))
    assert dump(users) == before


def test_a_plan_of_yesterday(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)",
        f"INSERT INTO a VALUES (1, {TEST})",
    )
    plan = plan_of(users)
    run(users, f"INSERT INTO a VALUES (2, {TEST})")
    before = dump(users)
    with pytest.raises(errors.Refused) as refused:
        execute_on(users, plan, exact=True)
    assert refused.value.reasons[0] == "a: 1 rows were planned, 2 are found"
    assert dump(users) == before
    # What the chosen rows own goes with them, unless the plan's id binds.
    assert execute_on(users, plan).rows == 3


def test_a_plan_with_other_users_of_the_same_number(users: str) -> None:
    plan = plan_of(users)
    run(users, f"UPDATE users SET id = 7 WHERE id = {TEST}")
    with pytest.raises(errors.Refused):
        execute_on(users, plan)
    assert query(users, "SELECT count(*) FROM users") == [(2,)]


def test_a_plan_of_another_database(users: str, make_database: object) -> None:
    plan = plan_of(users)
    other = make_database(database_of(users))  # type: ignore[operator]
    with pytest.raises(errors.Refused):
        execute_on(other, plan)


def test_killed_in_the_middle(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)",
        f"INSERT INTO a VALUES (1, {TEST}), (2, {REAL})",
    )
    before = dump(users)

    def kill(event: Event) -> None:
        if isinstance(event, Deleting) and event.table.name == "users":
            query(users, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ="
                         " current_database() AND pid <> pg_backend_pid() AND application_name = 'notifydb purge'"
                         " AND state LIKE 'idle in%'")  # fmt: skip

    with pytest.raises(errors.DatabaseUnreachable):
        execute_on(users, plan_of(users), kill)
    assert dump(users) == before
    assert purge(users).rows == 2


def test_nothing_can_be_added_to_what_is_going(users: str) -> None:
    run(users, "CREATE TABLE a (user_id int REFERENCES users)", f"INSERT INTO a VALUES ({TEST})")
    refused: list[str] = []

    def intrude(event: Event) -> None:
        if isinstance(event, Reading) and event.table.name == "a":
            try:
                run(users, "SET lock_timeout = 100", f"INSERT INTO a VALUES ({TEST})")
            except Exception as error:
                refused.append(type(error.orig).__name__)  # type: ignore[attr-defined]

    assert execute_on(users, plan_of(users), intrude).rows == 2
    assert refused == ["LockNotAvailable"]


def test_a_lock_that_is_not_granted(users: str) -> None:
    plan = plan_of(users, settings(lock_timeout=0.1, attempts=2))
    with make_engine(users).begin() as other:
        other.exec_driver_sql("SELECT 1 FROM users FOR KEY SHARE")
        with pytest.raises(errors.LockNotAvailable):
            execute_on(users, plan)
    assert execute_on(users, plan).rows == 1


def test_a_mark_that_turned_to_production(users: str) -> None:
    plan = plan_of(users)
    with make_engine(users).begin() as conn:
        own.install(conn)
        own.write_mark(conn, Environment.PRODUCTION)
    with pytest.raises(errors.Refused) as refused:
        execute_on(users, plan)
    assert "production" in refused.value.reasons[0]
    assert query(users, "SELECT count(*) FROM users") == [(2,)]


def test_what_was_done_is_recorded_in_the_same_transaction(users: str) -> None:
    purged = purge(users)
    with make_engine(users).connect() as conn:
        (entry,) = ledger.read_history(conn)
    assert (entry.operation, entry.outcome, entry.details["prefix"]) == ("purge", "done", PREFIX)
    assert (entry.details["tables"], entry.details["plan"]) == ({"users": 1}, purged.plan_id)


def test_rows_hidden_by_row_security_are_an_error_not_an_omission(users: str, server_url: str) -> None:
    run(
        users,
        "CREATE TABLE a (user_id int REFERENCES users, hidden bool)",
        f"INSERT INTO a VALUES ({TEST}, true)",
        "ALTER TABLE a ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON a USING (NOT hidden)",
    )
    role = f"purger_{database_of(users)}"
    run(
        users, f"CREATE ROLE {role}", f"GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
    )
    try:
        with make_engine(users).connect() as conn:
            conn.exec_driver_sql(f"SET ROLE {role}")
            conn.commit()
            with pytest.raises(errors.ConfigurationError, match="row-level security"):
                build_plan(conn, settings(), PREFIX)
    finally:
        run(users, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_plan_changes_nothing_and_leaves_no_transaction(users: str) -> None:
    before = dump(users)
    with make_engine(users).connect() as conn:
        first, second = (build_plan(conn, settings(), PREFIX) for _ in range(2))
        assert not conn.in_transaction()
    assert (first, dump(users)) == (second, before)


def test_only_in_a_transaction_of_its_own(users: str) -> None:
    with make_engine(users).connect() as conn:
        conn.exec_driver_sql("SELECT 1")
        with pytest.raises(errors.InternalError):
            build_plan(conn, settings(), PREFIX)
    with autocommit_engine(users).connect() as conn, pytest.raises(errors.InternalError):
        build_plan(conn, settings(), PREFIX)


def test_an_empty_purge(users: str) -> None:
    run(users, f"DELETE FROM users WHERE id = {TEST}")
    plan = plan_of(users)
    assert plan.is_empty
    assert execute_on(users, plan).rows == 0
