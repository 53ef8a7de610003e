"""What the database does to rows that are to go, by its defaults and triggers: told at once, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from postgres.purge_support import address, dump, execute_on, plan_of, run, settings

from notifydb import errors
from notifydb.purge.events import Deleting, Event, Retrying

TEST, OTHER_TEST, REAL = 1, 2, 3
USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text, kind text DEFAULT 'k', UNIQUE (id, kind))",
    f"INSERT INTO users VALUES ({TEST}, '{address()}'), ({OTHER_TEST}, '{address()}')",
    f"INSERT INTO users VALUES ({REAL}, 'person@example.gov')",
    "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
)
MEND = "mend the trigger, or disable it (ALTER TABLE ... DISABLE TRIGGER), and run it again"


@pytest.fixture
def users(database: str) -> str:
    """A database with two test users, a real one, and a trigger function that keeps rows as they are."""
    run(database, *USERS)
    return database


DEFAULTS = {
    "a row that goes": f"user_id int DEFAULT {OTHER_TEST} REFERENCES users ON DELETE SET DEFAULT",
    "a row that is not there": "user_id int DEFAULT 7 REFERENCES users ON DELETE SET DEFAULT",
    "by one of two columns": (
        f"user_id int DEFAULT {OTHER_TEST}, kind text DEFAULT 'k', FOREIGN KEY (user_id, kind)"
        " REFERENCES users (id, kind) ON DELETE SET DEFAULT (user_id)"
    ),
}


@pytest.mark.parametrize("default", DEFAULTS)
def test_a_default_that_will_not_be_there_blocks_the_plan(users: str, default: str) -> None:
    run(
        users,
        f"CREATE TABLE notes (id int PRIMARY KEY, {DEFAULTS[default]})",
        f"INSERT INTO notes (id, user_id) VALUES (1, {TEST})",
    )
    (blocker,) = plan_of(users, settings()).blockers
    assert blocker.endswith(": ON DELETE SET DEFAULT leads to a row that would go as well, or is not there")
    # Where the settings say otherwise, nothing is left for the server to do.
    assert plan_of(users, settings(policies=("notes.user_id=null",))).blockers == ()
    run(users, f"ALTER TABLE notes ALTER user_id SET DEFAULT {REAL}")
    assert plan_of(users, settings()).blockers == ()


KEPT: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "rows that go": (
        (
            "CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users)",
            "CREATE TRIGGER t BEFORE DELETE ON notes FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION keep()",
        ),
        {},
        "a trigger of notes keeps 1 row from going",
    ),
    "rows that refer to each other": (
        (
            "CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users, up int REFERENCES notes DEFAULT 2)",
            "CREATE TRIGGER t BEFORE DELETE ON notes FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION keep()",
        ),
        {},
        (
            'a trigger of notes keeps rows that refer to others that go: update or delete on table "notes" violates'
            ' foreign key constraint "notes_up_fkey" on table "notes"'
        ),
    ),
    "rows that come back": (
        (
            "CREATE TABLE notes (id serial PRIMARY KEY, user_id int REFERENCES users)",
            (
                "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN INSERT INTO notes VALUES (OLD.id + 9, OLD.user_id); RETURN NULL; END $$"
            ),
            "CREATE TRIGGER t AFTER DELETE ON notes FOR EACH ROW EXECUTE FUNCTION again()",
            "CREATE TRIGGER innocent AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION keep()",
        ),
        {},
        (
            'a trigger of notes keeps rows that refer to others that go: update or delete on table "users" violates'
            ' foreign key constraint "notes_user_id_fkey" on table "notes"'
        ),
    ),
    "rows that let go": (
        (
            "CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users)",
            "CREATE TRIGGER t BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION keep()",
        ),
        {"policies": ("notes.user_id=null",)},
        "a trigger of notes keeps 2 rows from letting go",
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_rows_that_a_trigger_keeps_are_told_at_once(users: str, what: str) -> None:
    statements, given, said = KEPT[what]
    run(users, *statements, f"INSERT INTO notes (id, user_id) VALUES (2, {TEST}), (1, {TEST})")
    before, told = dump(users), list[Event]()
    with pytest.raises(errors.ProofFailed) as found:
        execute_on(users, plan_of(users, settings(**given)), told.append)
    assert found.value.message == f"the purge did not do what was planned and was undone: {said}"
    assert found.value.hint == MEND
    assert not [each for each in told if isinstance(each, Retrying)]
    assert dump(users) == before


def test_a_row_that_comes_meanwhile_is_not_laid_to_a_trigger(users: str) -> None:
    """What refers without a foreign key is kept out by no lock; the purge gave up, and blamed who only looks on."""
    run(
        users,
        "CREATE TABLE things (id int PRIMARY KEY, owner int)",
        "CREATE TABLE parts (thing int REFERENCES things)",
        "CREATE TRIGGER t AFTER DELETE ON things FOR EACH ROW EXECUTE FUNCTION keep()",
        f"INSERT INTO things VALUES (1, {TEST}), (2, {REAL})",
        "INSERT INTO parts VALUES (1), (2)",
    )
    told = list[Event]()

    def listen(event: Event) -> None:
        if isinstance(event, Deleting) and event.table.name == "things" and event.rows == 1:
            run(users, f"INSERT INTO things VALUES (3, {TEST})", "INSERT INTO parts VALUES (3)")
        told.append(event)

    plan = plan_of(users, settings(implicit=("things.owner -> users.id",)))
    assert execute_on(users, plan, listen).tables == (("parts", 2), ("things", 2), ("users", 2))
    assert [each for each in told if isinstance(each, Retrying)]
