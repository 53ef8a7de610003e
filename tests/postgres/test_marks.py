"""What the database says of itself, in its two places, and whether a permit still holds."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from pooler import pooler
from postgres.purge_support import PREFIX, settings

from conftest import name_of, query
from notifydb import errors, guard
from notifydb.guard import Mark, Operation, Request, Target
from notifydb.postgres import own
from notifydb.postgres.connect import make_engine
from notifydb.purge.events import Batch, Event
from notifydb.purge.execute import How, execute
from notifydb.purge.plan import build_plan
from notifydb.settings import Environment, Voice

TEST = Mark("present", Environment.TEST)


@pytest.fixture
def marked(database: str) -> str:
    """A database that is marked as a test database."""
    with make_engine(database).begin() as conn:
        own.install(conn)
        own.write_mark(conn, Environment.TEST)
    return database


def permit_on(url: str, mark: Mark = TEST, *, embedded: bool = False) -> guard.Permit:
    voices = (Voice("a setting", Environment.TEST),)
    target = Target(name_of(url), mark, embedded=embedded)
    return guard.permit(Request(Operation.PURGE, target, voices, confirmation=name_of(url)))


def still(url: str, permit: guard.Permit) -> tuple[str, ...]:
    """The reasons against going on, none where the permit holds."""
    try:
        with make_engine(url).begin() as conn:
            own.check_still(conn, permit)
    except errors.Refused as refusal:
        assert refusal.reasons
        return refusal.reasons
    return ()


def setting_of(url: str) -> Mark:
    with make_engine(url).connect() as conn:
        return own.read_setting(conn)


def test_a_permit_holds_while_nothing_changes(marked: str) -> None:
    assert still(marked, permit_on(marked)) == ()


def test_a_permit_is_looked_at_with_one_query(marked: str) -> None:
    with make_engine(marked).begin() as conn:
        sent: list[str] = []
        sa.event.listen(conn, "before_cursor_execute", lambda *each: sent.append(each[2]))
        own.check_still(conn, permit_on(marked))
    assert len(sent) == 1


MARK = "notifydb.environment"
CHANGES = {
    f"UPDATE {MARK} SET name = 'staging'": "the permit is for test, the database's mark says staging",
    f"UPDATE {MARK} SET name = 'production'": "says production",
    f"UPDATE {MARK} SET name = 'nonsense'": "which cannot be read says production",
    f"UPDATE {MARK} SET system_identifier = '1'": "written for another database",
    f"UPDATE {MARK} SET database_oid = 1": "written for another database",
    f"DELETE FROM {MARK}": "carries no mark",
    f"DROP TABLE {MARK}": "cannot be read",
    f"ALTER TABLE {MARK} DROP COLUMN database_oid": "cannot be read",
    f"ALTER TABLE {MARK} RENAME TO e; CREATE VIEW {MARK} AS SELECT * FROM notifydb.e": "cannot be read",
    f"ALTER TABLE {MARK} RENAME TO e; CREATE MATERIALIZED VIEW {MARK} AS TABLE notifydb.e": "cannot be read",
    f"CREATE TABLE more () INHERITS ({MARK}); INSERT INTO more SELECT * FROM {MARK}": "cannot be read",
    f"ALTER TABLE {MARK} ALTER name DROP NOT NULL; UPDATE {MARK} SET name = NULL": "cannot be read",
    "ALTER DATABASE {name} SET notifydb.environment = 'production'": "notifydb.environment says production",
    "ALTER DATABASE {name} SET notifydb.environment = 'Production '": "says production",
    "ALTER DATABASE {name} SET \"Notifydb.Environment\" = 'production'": "says production",
    "ALTER DATABASE {name} SET notifydb.environment = 'staging'": "says staging",
    "ALTER DATABASE {name} SET notifydb.environment = ''": "which cannot be read",
    "ALTER ROLE postgres IN DATABASE {name} SET notifydb.environment = 'production'": "says production",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_permit_falls_with_what_it_was_made_from(change: str, marked: str) -> None:
    permit = permit_on(marked)
    query(marked, change.format(name=name_of(marked)))
    (said,) = still(marked, permit)
    assert CHANGES[change] in said


def test_a_renamed_database_is_another_one(marked: str, server_url: str) -> None:
    permit, name = permit_on(marked), name_of(marked)
    query(server_url, f"ALTER DATABASE {name} RENAME TO {name}_new")
    renamed = sa.make_url(marked).set(database=f"{name}_new").render_as_string(hide_password=False)
    try:
        assert still(renamed, permit) == (f"the database is now called '{name}_new'",)
    finally:
        query(server_url, f"ALTER DATABASE {name}_new RENAME TO {name}")


def test_what_a_session_says_of_itself_is_not_heard(marked: str) -> None:
    query(marked, f"ALTER DATABASE {name_of(marked)} SET notifydb.environment = 'production'")
    spoken = sa.make_url(marked).update_query_dict({"options": "-c notifydb.environment=development"})
    (said,) = still(spoken.render_as_string(hide_password=False), permit_on(marked))
    assert "says production" in said


def test_a_row_that_is_hidden_is_unreadable(marked: str) -> None:
    role = f"reader_{name_of(marked)}"
    query(marked, f"ALTER TABLE {MARK} ENABLE ROW LEVEL SECURITY")
    query(marked, f"CREATE ROLE {role}; GRANT USAGE ON SCHEMA notifydb TO {role}")
    query(marked, f"GRANT SELECT ON {MARK} TO {role}")
    try:
        with make_engine(marked).begin() as conn:
            conn.exec_driver_sql(f"SET ROLE {role}")
            assert own.read_mark(conn) == Mark("unreadable")
            with pytest.raises(errors.Refused):
                own.check_still(conn, permit_on(marked))
    finally:
        query(marked, f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_an_embedded_database_may_be_without_a_mark_and_not_marked_as_another(database: str) -> None:
    permit = permit_on(database, Mark("missing"), embedded=True)
    assert still(database, permit) == ()
    query(database, f"ALTER DATABASE {name_of(database)} SET notifydb.environment = 'production'")
    (said,) = still(database, permit)
    assert "says production" in said
    with make_engine(database).begin() as conn:
        own.install(conn)
    assert still(database, permit) == (said,)
    with make_engine(database).begin() as conn:
        own.write_mark(conn, Environment.PRODUCTION)
    assert len(still(database, permit)) == 2


def test_what_is_reached_by_another_way_than_the_socket_is_not_the_embedded_database(database: str) -> None:
    """PGHOSTADDR and a service file lead libpq away from the socket that a URL names."""
    where = sa.make_url(database).query
    with pooler(f"{where['host']}/.s.PGSQL.{where['port']}", shared=False) as port:
        led = sa.make_url(database).set(host="127.0.0.1", port=port, query={})
        away = led.render_as_string(hide_password=False)
        assert still(away, permit_on(database, Mark("missing"), embedded=True)) == (
            "the database carries no mark of what it is (notifydb environment show)",
        )
        with make_engine(away).connect() as conn:
            assert not own.target_of(conn, embedded=True).embedded


def test_a_lock_on_the_mark_is_no_answer(marked: str) -> None:
    permit = permit_on(marked)
    with make_engine(marked).begin() as other, make_engine(marked).begin() as conn:
        other.exec_driver_sql(f"LOCK TABLE {MARK}")
        conn.exec_driver_sql("SET lock_timeout = 50")
        with pytest.raises(sa.exc.OperationalError):
            own.check_still(conn, permit)


def test_both_places_are_written_and_read(marked: str) -> None:
    with make_engine(marked).begin() as conn:
        assert own.write_setting(conn, Environment.STAGING) is None
        target = own.target_of(conn, embedded=False)
    assert [voice.environment for voice in target.voices()] == [Environment.TEST, Environment.STAGING]
    assert setting_of(marked) == Mark("present", Environment.STAGING)


def test_a_setting_of_the_whole_server_counts_for_each_database(marked: str) -> None:
    role = f"app_{name_of(marked)}"
    query(marked, f"CREATE ROLE {role}; ALTER ROLE {role} SET notifydb.environment = 'production'")
    try:
        assert setting_of(marked) == Mark("missing")
        with make_engine(marked).begin() as conn:
            conn.exec_driver_sql(f"SET ROLE {role}")
            assert own.read_setting(conn) == Mark("present", Environment.PRODUCTION)
    finally:
        query(marked, f"DROP ROLE {role}")


@pytest.mark.parametrize("granted", [False, True])
def test_a_role_that_may_not_set_it_is_told(granted: bool, marked: str) -> None:
    role = f"owner_{name_of(marked)}"
    query(marked, f"CREATE ROLE {role}; ALTER DATABASE {name_of(marked)} OWNER TO {role}")
    # Older servers let nobody but a superuser.
    granted = granted and query(marked, "SELECT current_setting('server_version_num')::int >= 150000") == [
        (True,)
    ]
    try:
        if granted:
            query(marked, f"GRANT SET ON PARAMETER notifydb.environment TO {role}")
        with make_engine(marked).begin() as conn:
            conn.exec_driver_sql(f"SET ROLE {role}")
            why_not = own.write_setting(conn, Environment.TEST)
            assert conn.scalar(sa.text("SELECT 1")) == 1
        assert (why_not is None) == granted
        assert setting_of(marked) == (TEST if granted else Mark("missing"))
    finally:
        query(marked, f"ALTER DATABASE {name_of(marked)} OWNER TO postgres")
        query(marked, f"DROP OWNED BY {role}; DROP ROLE {role}")


SHOP = f"""
    CREATE TABLE users (id int PRIMARY KEY, email_address text, platform_admin bool DEFAULT false);
    CREATE TABLE events (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, text text DEFAULT repeat('x', 200));
    INSERT INTO users SELECT n, CASE n % 2 WHEN 0 THEN 'person-' || n
        ELSE '{PREFIX}+' || gen_random_uuid() END || '@example.gov' FROM generate_series(1, 8) n;
    INSERT INTO events SELECT n, n % 8 + 1 FROM generate_series(1, 20000) n
"""
TURNS = {
    "UPDATE notifydb.environment SET name = 'production'": "the database's mark says production",
    "ALTER DATABASE {name} SET notifydb.environment = 'production'": "notifydb.environment says production",
    "DELETE FROM notifydb.environment": "carries no mark",
}


@pytest.mark.parametrize("turn", TURNS)
def test_a_purge_stops_between_two_batches_when_the_database_says_no(
    turn: str, marked: str, tmp_path: Path
) -> None:
    query(marked, SHOP.replace(":", r"\:"))
    with make_engine(marked).connect() as conn:
        plan = build_plan(conn, settings(batch_rows=1_000, jobs=1), PREFIX)
    seen: list[int] = []

    def listen(event: Event) -> None:
        if isinstance(event, Batch):
            if not seen:
                query(marked, turn.format(name=name_of(marked)))
            seen.append(event.done)

    with pytest.raises(errors.Refused) as refused:
        execute(marked, permit_on(marked), plan, How(tmp_path), listen=listen)
    assert TURNS[turn] in refused.value.reasons[0]
    assert len(seen) == 1
    assert query(marked, "SELECT count(*) FROM events") == [(20_000 - seen[0],)]
    assert query(marked, "SELECT count(*) FROM users") == [(8,)]
    # What was committed before is in the archive, and nothing that was not.
    assert query(marked, "SELECT sum(rows) FROM notifydb.purge_segment") == [(seen[0],)]
