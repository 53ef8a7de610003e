"""What the purge follows and what stands in its way, on small schemas of every shape."""

from __future__ import annotations

import dataclasses
import json

import pytest
from postgres.purge_support import (
    PREFIX,
    address,
    dump,
    execute_on,
    plan_of,
    purge,
    run,
    settings,
)

from conftest import query
from notifydb import errors
from notifydb.purge.events import Committed, Event, Proved

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


def test_a_chain_of_owners_goes_child_first(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users)",
        "CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL REFERENCES a)",
        "CREATE TABLE c (b_id int NOT NULL REFERENCES b)",
        f"INSERT INTO a VALUES (1, {TEST}), (2, {REAL})",
        "INSERT INTO b VALUES (1, 1), (2, 2), (3, 1)",
        "INSERT INTO c VALUES (1), (1), (2), (3)",
    )
    plan = plan_of(users)
    assert [(str(t.table), t.rows, t.path) for t in plan.tables] == [
        ("c", 3, ("users", "a", "b", "c")),
        ("b", 2, ("users", "a", "b")),
        ("a", 1, ("users", "a")),
        ("users", 1, ("users",)),
    ]
    events: list[Event] = []
    assert execute_on(users, plan, events.append).tables == (("c", 3), ("b", 2), ("a", 1), ("users", 1))
    assert [type(event) for event in events[-2:]] == [Proved, Committed]
    assert dump(users)["c"] == {"(2)": 1}


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "CASCADE"])
def test_self_references_and_cycles(users: str, action: str) -> None:
    run(
        users,
        "CREATE TABLE folders (id int PRIMARY KEY, user_id int REFERENCES users,"
        f" parent_id int REFERENCES folders ON DELETE {action})",
        f"INSERT INTO folders VALUES (1, {TEST}, NULL), (10, {REAL}, NULL)",
        "INSERT INTO folders SELECT i, NULL, i - 1 FROM generate_series(2, 9) i",
        "INSERT INTO folders SELECT i, NULL, i - 1 FROM generate_series(11, 19) i",
        "CREATE TABLE x (id int PRIMARY KEY, user_id int REFERENCES users)",
        f"CREATE TABLE y (id int PRIMARY KEY, x_id int REFERENCES x ON DELETE {action})",
        f"ALTER TABLE x ADD y_id int REFERENCES y ON DELETE {action}",
        f"INSERT INTO x VALUES (1, {TEST}), (2, NULL), (3, {REAL}), (4, NULL)",
        "INSERT INTO y VALUES (1, 1), (2, 2), (3, 3)",
        # x1 <- y1 <- x2 <- y2 <- x1
        "UPDATE x SET y_id = 3 - id WHERE id IN (1, 2)",
    )
    purge(users)
    assert query(users, "SELECT min(id), count(*) FROM folders") == [(10, 10)]
    assert query(users, "SELECT id FROM x ORDER BY 1") == [(3,), (4,)]
    assert query(users, "SELECT id FROM y") == [(3,)]


def test_deferrable_and_composite_keys_in_several_schemas_with_odd_names(users: str) -> None:
    run(
        users,
        'CREATE SCHEMA "Od:d %s"',
        'CREATE TABLE "Od:d %s"."we""ird :t" (tenant int, "no:" int, user_id int REFERENCES users,'
        ' UNIQUE (tenant, "no:"))',
        "CREATE TABLE lines (tenant int, doc int, FOREIGN KEY (tenant, doc)"
        ' REFERENCES "Od:d %s"."we""ird :t" (tenant, "no:") DEFERRABLE INITIALLY DEFERRED)',
        f'INSERT INTO "Od:d %s"."we""ird :t" VALUES (1, 1, {TEST}), (1, 2, {REAL}), (2, 1, {REAL})',
        "INSERT INTO lines VALUES (1, 1), (1, 2), (2, 1), (1, NULL), (NULL, 1)",
    )
    assert purge(users).rows == 3
    assert query(users, "SELECT tenant, doc FROM lines ORDER BY 1, 2") == [
        (1, 2), (1, None), (2, 1), (None, 1),
    ]  # fmt: skip


def test_partitions_count_once_and_rows_without_a_key_are_found_by_place(users: str) -> None:
    run(
        users,
        "CREATE TABLE log (user_id int REFERENCES users, at int) PARTITION BY RANGE (at)",
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20)",
        f"INSERT INTO log SELECT CASE WHEN i % 2 = 0 THEN {TEST} ELSE {REAL} END, i FROM generate_series(0, 19) i",
        "CREATE TABLE ring (name text UNIQUE, after text REFERENCES ring (name), user_id int REFERENCES users)",
        f"INSERT INTO ring VALUES ('a', NULL, {TEST}), ('b', 'a', NULL), ('c', 'b', NULL), ('d', NULL, {REAL})",
    )
    plan = plan_of(users)
    assert {str(t.table): t.rows for t in plan.tables} == {"log": 10, "ring": 3, "users": 1}
    execute_on(users, plan)
    assert query(users, "SELECT count(*), min(at % 2) FROM log") == [(10, 1)]
    assert query(users, "SELECT name FROM ring") == [("d",)]


def test_an_actor_is_no_owner_even_with_cascade(users: str) -> None:
    run(
        users,
        "CREATE TABLE pages (id int PRIMARY KEY, created_by_id int REFERENCES users ON DELETE CASCADE)",
        f"INSERT INTO pages VALUES (1, {TEST}), (2, {REAL}), (3, {TEST})",
    )
    plan = plan_of(users)
    assert [(s.relation, s.policy, s.rows, s.keys) for s in plan.standing] == [
        ("pages.created_by_id -> users.id", "refuse", 2, ("1", "3"))
    ]
    with pytest.raises(errors.Refused) as refused:
        execute_on(users, plan)
    assert refused.value.exit_code == 3
    assert len(dump(users)["pages"]) == 3
    purge(users, settings(policies=("pages.created_by_id=null",)))
    assert query(users, "SELECT * FROM pages ORDER BY 1") == [(1, None), (2, REAL), (3, None)]
    assert query(users, "SELECT count(*) FROM users") == [(1,)]


def test_a_key_that_sets_null_detaches(users: str) -> None:
    run(
        users,
        "CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL)",
        f"INSERT INTO notes VALUES (1, {TEST}), (2, {REAL})",
    )
    assert purge(users).detached == (("notes.user_id -> users.id", 1),)
    assert query(users, "SELECT * FROM notes ORDER BY 1") == [(1, None), (2, REAL)]


def test_a_row_of_the_root_is_never_reached_by_a_relation(users: str) -> None:
    run(
        users,
        "ALTER TABLE users ADD manager_id int REFERENCES users",
        f"UPDATE users SET manager_id = {TEST} WHERE id = {REAL}",
    )
    assert plan_of(users).blockers == (
        "users.manager_id -> users.id: 1 row that would stay refer to rows that would go",
    )


def test_a_suspicion_with_rows_has_to_be_decided(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)",
        "CREATE TABLE a_history (id int, user_id int)",
        f"INSERT INTO a_history VALUES (1, {TEST}), (2, {REAL})",
    )
    plan = plan_of(users)
    assert plan.suspicious == ("a_history.id -> a.id", "a_history.user_id -> users.id")
    assert plan.blockers == (
        "a_history.user_id -> users.id: looks like a relation, has no foreign key, and 1 row would be orphans",
    )
    waived = settings(waived=("a_history.user_id -> users.id",))
    assert plan_of(users, waived).blockers == ()
    assert plan_of(users, settings(policies=("a_history.user_id=leave",))).warnings == (
        "a_history.user_id -> users.id: 1 row will refer to nothing",
    )
    assert purge(users, settings(implicit=("a_history.user_id -> users.id",))).rows == 2
    assert query(users, "SELECT id FROM a_history") == [(2,)]


TEAMS = {
    "root": "crm.accounts.mail",
    "owned_through": ("members(account -> team) -> teams(key)",),
    "owned_when_empty": ("teams.founder",),
    "protected_when": ("crm.accounts.is_staff",),
    "policies": (),
    "implicit": ("badges.team -> teams.key",),
    "waived": (),
}


@pytest.fixture
def teams(database: str) -> str:
    """Accounts 1 to 3 are tests', 3 is staff, 9 is real; each team is named for its members, then its founder."""
    accounts = ", ".join(f"({key}, '{address()}', {key == 3})" for key in (1, 2, 3))
    members = {"1": [1], "12": [1, 2], "13": [1, 3], "19": [1, 9], "9": [9], "seed": [1]}
    founded = [(name, 9) for name in members] + [("by 1", 1), ("by 9", 9)]
    run(
        database,
        "CREATE SCHEMA crm",
        "CREATE TABLE crm.accounts (id int PRIMARY KEY, mail text, is_staff bool NOT NULL)",
        f"INSERT INTO crm.accounts VALUES {accounts}, (9, 'p@example.gov', false)",
        "CREATE TABLE teams (key text PRIMARY KEY, founder int)",
        f"INSERT INTO teams VALUES {', '.join(map(str, founded))}",
        "CREATE TABLE members (account int, team text)",
        *(f"INSERT INTO members VALUES ({key}, '{name}')" for name, keys in members.items() for key in keys),
        "CREATE TABLE badges (team text)",
        "INSERT INTO badges SELECT key FROM teams",
    )
    return database


def test_groups_go_with_their_last_member(teams: str) -> None:
    chosen = settings(**TEAMS, protected=("seed",), actors=("founder",))
    with pytest.raises(errors.ConfigurationError, match=r"teams\.founder does not refer to crm\.accounts"):
        plan_of(teams, chosen)
    implicit = (*chosen.implicit, "teams.founder -> crm.accounts.id")
    chosen = dataclasses.replace(chosen, implicit=implicit)
    plan = plan_of(teams, chosen)
    assert [(shared.key, shared.leaving, shared.staying, shared.protected) for shared in plan.shared] == [
        ("13", 1, 1, False), ("19", 1, 1, False), ("seed", 1, 0, True),
    ]  # fmt: skip
    assert plan.warnings == ("teams.founder: 2 of the groups that go were made by somebody who stays",)
    purged = execute_on(teams, plan)
    assert dict(purged.tables) == {"badges": 3, "crm.accounts": 2, "members": 6, "teams": 3}
    assert query(teams, "SELECT key FROM teams ORDER BY 1") == [
        ("13",),
        ("19",),
        ("9",),
        ("by 9",),
        ("seed",),
    ]
    assert query(teams, "SELECT * FROM members ORDER BY 2") == [(3, "13"), (9, "19"), (9, "9")]
    assert query(teams, "SELECT count(*) FROM badges") == [(5,)]


def test_a_protection_that_cannot_be_understood(users: str) -> None:
    for text in ("users.email_address", "users.is_staff"):
        with pytest.raises(errors.ConfigurationError, match="is no boolean column of users"):
            plan_of(users, settings(protected_when=(text,)))


def test_protected_rows_in_the_closure_block(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (id text PRIMARY KEY, user_id int REFERENCES users)",
        f"INSERT INTO a VALUES ('seed', {TEST}), ('x', {TEST})",
    )
    assert plan_of(users, settings(protected=("seed",))).blockers == ("1 protected row of a would go",)
    kept = plan_of(users, settings(protected=("1",)))
    assert (kept.matched, kept.kept[0].reason) == (0, "listed as protected")


def test_caps(users: str) -> None:
    run(users, f"INSERT INTO users SELECT i + 10, '{PREFIX}+' || gen_random_uuid() || '@x.gov' FROM"
               " generate_series(1, 4) i")  # fmt: skip
    plan = plan_of(users, settings(max_users=4, max_fraction=0.5))
    assert plan.blockers == (
        "5 rows of users match, more than the 4 that may at once",
        "83% of the 6 rows of users would go, more than the 50% that may at once",
    )
    with pytest.raises(errors.Refused) as refused:
        execute_on(users, plan)
    assert refused.value.reasons == plan.blockers


def test_the_share_of_a_large_table_is_capped(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (user_id int REFERENCES users)",
        f"INSERT INTO a SELECT {TEST} FROM generate_series(1, 11000)",
    )
    assert plan_of(users, settings(max_fraction=0.9)).blockers == (
        "100% of the 11,000 rows of a would go, more than the 90% that may at once",
    )


def test_settings_that_fit_nothing_are_said(users: str, database: str) -> None:
    plan = plan_of(users, settings(waived=("x.y -> users.id",), implicit=(), policies=("q.r=null",)))
    assert plan.warnings == (
        "purge.policies: q.r=null is not in this database",
        "purge.waived: x.y -> users.id is not in this database",
    )
    with pytest.raises(errors.ConfigurationError, match=r"people\.mail"):
        plan_of(users, settings(root="people.mail"))
    with pytest.raises(errors.ConfigurationError, match="not of the form"):
        plan_of(users, settings(owned_through=("nonsense",)))


@pytest.mark.parametrize("prefix", ["", "%", "_____", "\\\\", "\0", "a" * 10_000, "n\u043etify-tests"])
def test_a_prefix_that_is_none_reads_nothing(users: str, prefix: str) -> None:
    with pytest.raises(errors.UsageError):
        plan_of(users, prefix=prefix)


def test_a_prefix_is_literal(users: str) -> None:
    run(users, f"UPDATE users SET email_address = 'notify.tests+' || '{address()[21:]}' WHERE id = {TEST}")
    assert plan_of(users, prefix="notify_tests").matched == 0
    assert plan_of(users, prefix="notify.tests").matched == 1


def test_the_plan_as_json(users: str) -> None:
    plan = json.loads(json.dumps(plan_of(users).to_json()))
    assert (plan["version"], plan["matched"], plan["rows"]) == (1, 1, 1)
    (table,) = plan["tables"]
    assert {name: table[name] for name in ("table", "rows", "path", "relation")} == {
        "table": "users", "rows": 1, "path": ["users"], "relation": None,
    }  # fmt: skip
    assert "settings" not in plan
