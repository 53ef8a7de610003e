"""Rows that stay and let go of users that are purged: which they were, and whether they are still the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from postgres.purge_support import address, dump, plan_of, purge, put_back, run, settings

from conftest import query
from notifydb import errors
from notifydb.settings.model import PurgeSettings

TEST, REAL, OTHER = 1, 3, 5
USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL)",
    f"INSERT INTO users VALUES ({TEST}, '{address()}'), (2, '{address()}')",
    f"INSERT INTO users SELECT n, 'person' || n || '@example.gov' FROM generate_series({REAL}, {OTHER}) n",
)


def refused_for(url: str, given: PurgeSettings, folder: Path) -> str:
    """The one reason why the purge is refused, which changes nothing then."""
    before = dump(url)
    (blocker,) = plan_of(url, given).blockers
    with pytest.raises(errors.Refused):
        purge(url, given, archive=folder)
    assert dump(url) == before
    return blocker


@pytest.fixture
def users(database: str) -> str:
    """A database with two test users and three real ones."""
    run(database, *USERS)
    return database


def test_a_real_users_row_is_not_taken_for_one_that_the_server_let_go(users: str, tmp_path: Path) -> None:
    """Without a primary key, the row that lets go is told by what the server has written."""
    run(
        users,
        "CREATE TABLE notes (user_id int REFERENCES users ON DELETE SET NULL, t text)",
        f"CREATE TABLE tags (user_id int DEFAULT {OTHER} REFERENCES users ON DELETE SET DEFAULT, t text)",
        "INSERT INTO notes VALUES (1, 'a'), (3, 'a')",
        "INSERT INTO tags VALUES (1, 'a'), (3, 'a')",
    )
    before = dump(users)
    purged = purge(users, archive=tmp_path)
    assert set(query(users, "SELECT user_id FROM tags")) == {(REAL,), (OTHER,)}
    put_back(users, purged.archive)
    assert dump(users) == before


LETS_GO = {
    "to NULL": "user_id int REFERENCES users ON DELETE SET NULL",
    "to a default": f"user_id int DEFAULT {OTHER} REFERENCES users ON DELETE SET DEFAULT",
    "to the default of its domain": "user_id somebody REFERENCES users ON DELETE SET DEFAULT",
    "by one of two columns": (
        "user_id int, kind text DEFAULT ':x', FOREIGN KEY (user_id, kind) REFERENCES users (id, kind)"
        " ON DELETE SET NULL (user_id)"
    ),
    "to the defaults of two columns": (
        f"user_id int DEFAULT 2 + {REAL}, kind varchar(9) DEFAULT ':x',"
        " FOREIGN KEY (user_id, kind) REFERENCES users (id, kind) ON DELETE SET DEFAULT"
    ),
}


@pytest.mark.parametrize("clause", LETS_GO)
def test_a_row_that_the_server_let_go_and_somebody_took_is_not_overwritten(
    users: str, clause: str, tmp_path: Path
) -> None:
    run(
        users,
        "ALTER TABLE users ADD kind varchar(9) NOT NULL DEFAULT ':x', ADD UNIQUE (id, kind)",
        f"CREATE DOMAIN somebody AS int DEFAULT {OTHER}",
        f"CREATE TABLE notes (id int PRIMARY KEY, {LETS_GO[clause]})",
        f"INSERT INTO notes (id, user_id) VALUES (1, {TEST}), (2, {TEST}), (3, {REAL})",
    )
    before = dump(users)
    purged = purge(users, archive=tmp_path)
    let_go = query(users, "SELECT user_id FROM notes WHERE id = 1")
    run(users, "UPDATE notes SET user_id = 4 WHERE id = 1")
    taken = dump(users)
    with pytest.raises(errors.Refused, match="rows that had let go have changed since") as found:
        put_back(users, purged.archive)
    assert found.value.reasons == ("notes: 1 of 2 rows are gone, or refer to something else by now",)
    assert dump(users) == taken
    # As it was left, it is taken back.
    run(users, f"UPDATE notes SET user_id = {let_go[0][0] or 'NULL'} WHERE id = 1")
    put_back(users, purged.archive)
    assert dump(users) == before


KEYED = {
    "by the server": (f"int DEFAULT {OTHER} REFERENCES users ON DELETE SET DEFAULT", ()),
    "by a policy": ("int REFERENCES users", (f"notes.author=reassign:{OTHER}",)),
}


@pytest.mark.parametrize("way", KEYED)
def test_a_row_that_would_let_go_by_its_primary_key_blocks_the_plan(
    users: str, way: str, tmp_path: Path
) -> None:
    author, policies = KEYED[way]
    run(
        users,
        f"CREATE TABLE notes (author {author}, k int, PRIMARY KEY (author, k))",
        f"INSERT INTO notes VALUES ({TEST}, 1), ({REAL}, 1)",
    )
    given = settings(policies=policies)
    assert refused_for(users, given, tmp_path) == (
        "notes.author -> users.id lets go by a column of its primary key, which is not supported:"
        " it could not be put back"
    )
    run(users, f"DELETE FROM notes WHERE author = {TEST}")
    assert purge(users, given, archive=tmp_path).rows == 2


@pytest.mark.parametrize("key", ["id int", "id int PRIMARY KEY"])
@pytest.mark.parametrize("action", ["ON DELETE SET NULL", ""])
def test_a_foreign_key_that_is_there_twice_lets_go_once(
    users: str, key: str, action: str, tmp_path: Path
) -> None:
    run(
        users,
        f"CREATE TABLE notes ({key}, author int REFERENCES users {action})",
        f"ALTER TABLE notes ADD FOREIGN KEY (author) REFERENCES users {action}",
        f"INSERT INTO notes VALUES (1, {TEST}), (2, {REAL}), (3, {TEST})",
    )
    before = dump(users)
    purged = purge(users, settings(policies=() if action else ("notes.author=null",)), archive=tmp_path)
    assert purged.detached == (("notes.author -> users.id", 2),)
    put_back(users, purged.archive)
    assert dump(users) == before


@pytest.mark.parametrize("policy", ["null", f"reassign:{OTHER}"])
def test_a_foreign_key_that_is_there_twice_with_two_actions_lets_go_once_as_the_settings_say(
    users: str, policy: str, tmp_path: Path
) -> None:
    """The plan was blocked: the key was said to share its column with itself."""
    run(
        users,
        "CREATE TABLE notes (id int PRIMARY KEY, author int REFERENCES users)",
        "ALTER TABLE notes ADD FOREIGN KEY (author) REFERENCES users ON DELETE SET NULL",
        f"INSERT INTO notes VALUES (1, {TEST}), (2, {REAL}), (3, {TEST})",
    )
    before = dump(users)
    purged = purge(users, settings(policies=(f"notes.author={policy}",)), archive=tmp_path)
    assert purged.detached == (("notes.author -> users.id", 2),)
    put_back(users, purged.archive)
    assert dump(users) == before


@pytest.mark.parametrize("action", ["ON DELETE SET NULL", ""])
def test_a_row_that_would_let_go_of_two_by_one_column_blocks_the_plan(users: str, action: str) -> None:
    run(
        users,
        "CREATE TABLE members (user_id int REFERENCES users, org int, PRIMARY KEY (user_id, org))",
        f"INSERT INTO members VALUES ({TEST}, 1), ({REAL}, 1)",
        f"CREATE TABLE notes (id int PRIMARY KEY, author int REFERENCES users {action}, org int,"
        f" FOREIGN KEY (author, org) REFERENCES members {action and f'{action} (author)'})",
        f"INSERT INTO notes VALUES (1, {TEST}, 1), (2, {REAL}, 1), (3, {TEST}, NULL)",
    )
    given = settings(policies=() if action else ("notes.author=null",))
    (blocker,) = plan_of(users, given).blockers
    assert blocker == (
        "notes.author -> users.id and notes(author, org) -> members(user_id, org) share a column"
        " by which rows would let go of both, which is not supported"
    )
    run(users, "UPDATE notes SET org = NULL WHERE id = 1")
    assert plan_of(users, given).blockers == ()


@pytest.mark.parametrize("on_update", ["NO ACTION", "CASCADE", "SET NULL"])
@pytest.mark.parametrize("action", ["ON DELETE SET NULL", ""])
def test_a_row_that_would_let_go_by_what_others_know_it_by_blocks_the_plan(
    users: str, action: str, on_update: str
) -> None:
    run(
        users,
        f"CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users {action})",
        f"INSERT INTO profiles VALUES (1, {TEST}), (2, {REAL})",
        f"CREATE TABLE likes (profile int REFERENCES profiles (user_id) ON UPDATE {on_update})",
        f"INSERT INTO likes VALUES ({TEST}), ({REAL})",
    )
    given = settings(policies=() if action else ("profiles.user_id=null",))
    (blocker,) = plan_of(users, given).blockers
    assert blocker == (
        "profiles.user_id -> users.id lets go by a column that likes.profile -> profiles.user_id refers to,"
        " which is not supported"
    )
    run(users, f"DELETE FROM likes WHERE profile = {TEST}")
    assert purge(users, given).detached == (("profiles.user_id -> users.id", 1),)


@pytest.mark.parametrize("owner", ["owner int REFERENCES users", "owner int"])
def test_a_row_that_goes_and_knows_another_by_what_that_lets_go_by_blocks_the_plan(
    users: str, owner: str, tmp_path: Path
) -> None:
    """The restore was refused, since it came back before the other had its value; or no purge came to an end."""
    run(
        users,
        "CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE REFERENCES users ON DELETE SET NULL)",
        f"INSERT INTO profiles VALUES (1, {TEST}), (2, {REAL})",
        f"CREATE TABLE works ({owner}, profile int REFERENCES profiles (user_id))",
        f"INSERT INTO works VALUES ({TEST}, {TEST}), ({REAL}, {REAL})",
    )
    given = settings(implicit=("works.owner -> users.id",))
    (blocker,) = plan_of(users, given).blockers
    assert blocker == (
        "profiles.user_id -> users.id lets go by a column that works.profile -> profiles.user_id refers to,"
        " which is not supported"
    )
    # Checked when all of it is there, it may come first.
    run(users, "ALTER TABLE works ALTER CONSTRAINT works_profile_fkey DEFERRABLE")
    before = dump(users)
    put_back(users, purge(users, given, archive=tmp_path).archive)
    assert dump(users) == before


def test_a_row_that_only_its_values_tell_and_a_trigger_changes_blocks_the_plan(users: str) -> None:
    """It let go, and the restore did not find it again."""
    run(
        users,
        "CREATE TABLE notes (user_id int REFERENCES users ON DELETE SET NULL, updated_at timestamptz)",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN NEW.updated_at := clock_timestamp(); RETURN NEW; END $$",
        "CREATE TRIGGER t BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch()",
        f"INSERT INTO notes VALUES ({TEST}), ({REAL})",
    )
    assert plan_of(users).blockers == (
        "notes has no primary key, and a trigger may change rows of it that let go: they could not be put back",
    )
    run(users, "ALTER TABLE notes ADD id serial PRIMARY KEY")
    assert plan_of(users).blockers == ()


def test_a_key_that_is_generated_of_what_lets_go_blocks_the_plan(users: str) -> None:
    """The restore looked for the row by a key that it did not have any more."""
    run(
        users,
        "CREATE TABLE notes (user_id int REFERENCES users ON DELETE SET NULL, n int,"
        " k int GENERATED ALWAYS AS (coalesce(user_id, 0) * 100 + n) STORED PRIMARY KEY,"
        " code int GENERATED ALWAYS AS (n) STORED UNIQUE)",
        f"INSERT INTO notes (user_id, n) VALUES ({TEST}, 1), ({REAL}, 2)",
        "CREATE TABLE likes (note int REFERENCES notes, code int REFERENCES notes (code))",
        "INSERT INTO likes SELECT k, code FROM notes",
    )
    assert plan_of(users).blockers == (
        (
            "notes.user_id -> users.id lets go by a column that likes.note -> notes.k refers to,"
            " which is not supported"
        ),
        (
            "notes.user_id -> users.id lets go by a column of its primary key, which is not supported:"
            " it could not be put back"
        ),
    )


PARTITIONED = {
    "by the server, to NULL": ("LIST (user_id)", "int REFERENCES users ON DELETE SET NULL", ()),
    "by the server, to a default": (
        "LIST (user_id)",
        f"int DEFAULT {OTHER} REFERENCES users ON DELETE SET DEFAULT",
        (),
    ),
    "by a policy": ("RANGE (user_id)", "int REFERENCES users", (f"notes.user_id=reassign:{REAL}",)),
    "by an expression": ("LIST ((user_id % 2))", "int REFERENCES users ON DELETE SET NULL", ()),
}
PARTITIONS = {"LIST": "IN ({})", "RANGE": "FROM ({}) TO ({} + 1)"}


@pytest.mark.parametrize("way", PARTITIONED)
@pytest.mark.parametrize("level", ["of the table", "of a partition"])
def test_a_row_that_would_let_go_by_its_partition_key_blocks_the_plan(
    users: str, way: str, level: str, tmp_path: Path
) -> None:
    by, user_id, policies = PARTITIONED[way]
    bounds = PARTITIONS[by.split()[0]]
    inner, outer = ("notes", ()) if level == "of the table" else ("notes_p", (f"PARTITION BY {by}",))
    run(
        users,
        f"CREATE TABLE notes (kind int, user_id {user_id}) PARTITION BY {'LIST (kind)' if outer else by}",
        *(f"CREATE TABLE notes_p PARTITION OF notes FOR VALUES IN (1) {each}" for each in outer),
        *(
            f"CREATE TABLE p{n} PARTITION OF {inner} FOR VALUES {bounds.format(n, n)}"
            for n in (0, TEST, REAL)
        ),
        f"INSERT INTO notes VALUES (1, {TEST}), (1, {REAL})",
    )
    given = settings(policies=policies)
    assert refused_for(users, given, tmp_path) == (
        "notes.user_id -> users.id lets go by a column that its table is partitioned by, which is not supported:"
        " rows would have to move to another partition"
    )
    run(users, f"DELETE FROM notes WHERE user_id = {TEST}")
    assert purge(users, given, archive=tmp_path).rows == 2


def test_what_an_event_trigger_writes_of_the_restores_own_tables_is_no_change(
    users: str, tmp_path: Path
) -> None:
    run(
        users,
        "CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL)",
        f"INSERT INTO notes VALUES (1, {TEST})",
        "CREATE TABLE a (id int PRIMARY KEY, b int, user_id int REFERENCES users)",
        "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)",
        "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
        f"INSERT INTO a VALUES (1, NULL, {TEST})",
        "INSERT INTO b VALUES (1, 1)",
        "CREATE TABLE ddl (tag text)",
        "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN INSERT INTO public.ddl VALUES (tg_tag); END $$",
        "CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION f()",
    )
    before = dump(users)
    purged = purge(users, archive=tmp_path)
    put_back(users, purged.archive)
    assert {**dump(users), "ddl": {}} == {**before, "ddl": {}}


def test_a_row_of_as_many_columns_as_there_can_be_is_put_back_without_a_key(
    users: str, tmp_path: Path
) -> None:
    run(
        users,
        f"CREATE TABLE notes (user_id int REFERENCES users, {', '.join(f'c{n} int' for n in range(1599))})",
        f"INSERT INTO notes (user_id, c7) VALUES ({TEST}, 1), ({REAL}, 1), ({TEST}, 2), ({TEST}, 1), (NULL, 1)",
    )
    before = dump(users)
    purged = purge(users, settings(policies=("notes.user_id=null",)), archive=tmp_path)
    put_back(users, purged.archive)
    assert dump(users) == before
