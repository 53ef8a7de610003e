"""What real schemas have that would make a purge take a wrong row: told and refused, or understood."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from postgres.purge_support import PREFIX, address, dump, execute_on, plan_of, purge, put_back, run, settings

from conftest import query
from notifydb import errors
from notifydb.postgres.connect import make_engine, plain_url
from notifydb.purge.events import Deleted, IndexDropped
from notifydb.purge.explain import explain
from notifydb.purge.plan import build_plan
from notifydb.purge.target import moment
from notifydb.settings.model import PurgeSettings

USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL, created_at timestamptz DEFAULT now())",
    f"INSERT INTO users VALUES (1, '{address()}'), (2, '{address()}'), (3, 'real@example.gov'), (4, 'b@example.gov')",
)
OWNED: dict[str, Any] = {"owned_through": [], "owned_when_empty": [], "actors": []}


@pytest.fixture
def users(database: str) -> str:
    """Two test users and two real ones, and nothing that belongs to a service."""
    run(database, *USERS)
    return database


def blockers(url: str, **changes: Any) -> tuple[str, ...]:
    return plan_of(url, settings(**{**OWNED, **changes})).blockers


# -- keys that do not speak for every row --


def test_a_key_of_some_partitions_says_nothing_of_the_others(users: str) -> None:
    """Rows of a real user's key went because a test user has the same number."""
    run(users, "CREATE TABLE ev (id int, kind text, actor_id int) PARTITION BY LIST (kind)",
        "CREATE TABLE ev_u PARTITION OF ev FOR VALUES IN ('user')",
        "CREATE TABLE ev_k PARTITION OF ev FOR VALUES IN ('key')",
        "ALTER TABLE ev_u ADD FOREIGN KEY (actor_id) REFERENCES users",
        "INSERT INTO ev VALUES (10, 'user', 1), (11, 'user', 3), (12, 'key', 1)")  # fmt: skip
    said = "ev.actor_id -> users.id: a foreign key that is of some partitions only is not supported"
    assert blockers(users) == (said,)


def test_a_key_that_every_partition_has_speaks_for_all(users: str) -> None:
    run(users, "CREATE TABLE ev (id int, kind text, actor_id int) PARTITION BY LIST (kind)",
        "CREATE TABLE ev_u PARTITION OF ev FOR VALUES IN ('user')",
        "CREATE TABLE ev_k (actor_id int, kind text, id int)",
        "ALTER TABLE ev ATTACH PARTITION ev_k FOR VALUES IN ('key')",
        "ALTER TABLE ev_u ADD FOREIGN KEY (actor_id) REFERENCES users",
        "ALTER TABLE ev_k ADD FOREIGN KEY (actor_id) REFERENCES users",
        "INSERT INTO ev VALUES (10, 'user', 1), (11, 'user', 3), (12, 'key', 1)")  # fmt: skip
    assert purge(users, settings(**OWNED)).rows == 4
    assert query(users, "SELECT id FROM ev") == [(11,)]


def test_a_key_that_refers_to_one_partition_is_not_followed_to_the_others(users: str) -> None:
    run(users, "CREATE TABLE acc (id int NOT NULL, region text NOT NULL, user_id int REFERENCES users)"
        " PARTITION BY LIST (region)",
        "CREATE TABLE acc_eu PARTITION OF acc FOR VALUES IN ('eu')", "ALTER TABLE acc_eu ADD PRIMARY KEY (id)",
        "CREATE TABLE acc_us PARTITION OF acc FOR VALUES IN ('us')", "ALTER TABLE acc_us ADD PRIMARY KEY (id)",
        "INSERT INTO acc VALUES (1, 'eu', 3), (1, 'us', 1)",
        "CREATE TABLE orders (id int PRIMARY KEY, account_id int REFERENCES acc_eu (id))",
        "INSERT INTO orders VALUES (10, 1)")  # fmt: skip
    said = "orders.account_id -> acc.id: a foreign key that refers to a single partition is not supported"
    assert blockers(users) == (said,)


NOT_FOR_ALL = {
    "is temporal": (
        "CREATE TABLE spans (id int4range, valid daterange, user_id int REFERENCES users,"
        " PRIMARY KEY (id, valid WITHOUT OVERLAPS));"
        "CREATE TABLE jobs (span int4range, p daterange,"
        " FOREIGN KEY (span, PERIOD p) REFERENCES spans (id, PERIOD valid))"
    ),
    "is not enforced": "CREATE TABLE jobs (user_id int REFERENCES users ON DELETE SET NULL NOT ENFORCED)",
}


@pytest.mark.parametrize("oddity", NOT_FOR_ALL)
def test_a_key_that_the_server_checks_otherwise(users: str, oddity: str) -> None:
    if int(str(query(users, "SHOW server_version_num")[0][0])) < 180000:
        with pytest.raises(sa.exc.ProgrammingError, match="syntax error"):
            run(users, NOT_FOR_ALL[oddity])
        return
    run(users, NOT_FOR_ALL[oddity])
    assert any(f"a foreign key that {oddity} is not supported" in each for each in blockers(users))


# -- what the settings say --

TICKETS = (
    "CREATE SCHEMA shop",
    "CREATE TABLE shop.tickets (id int PRIMARY KEY, user_id int REFERENCES users)",
    "INSERT INTO shop.tickets VALUES (1, 1), (2, 3)",
)


@pytest.mark.parametrize("actor", ["shop.tickets.user_id", "tickets.user_id", "user_id", "shop.*"])
def test_an_actor_is_known_by_every_spelling_of_a_column(users: str, actor: str) -> None:
    run(users, *TICKETS)
    said = "shop.tickets.user_id -> users.id: 1 row that would stay refer to rows that would go"
    assert blockers(users, actors=[actor]) == (said,)


def test_an_actor_whose_name_needs_quotes(users: str) -> None:
    run(users, 'CREATE TABLE "My T" ("U Id" int REFERENCES users)', 'INSERT INTO "My T" VALUES (1)')
    assert len(blockers(users, actors=['"My T"."U Id"'])) == 1
    assert len(blockers(users, actors=["public.My T.U Id"])) == 1


def test_an_actor_that_is_no_column_is_told(users: str) -> None:
    plan = plan_of(users, settings(**OWNED | {"actors": ["tickets.user_id", "*_by_id"]}))
    assert plan.warnings == ("purge.actors: tickets.user_id is not in this database",)


def test_members_are_known_by_one_column(database: str) -> None:
    run(database,
        "CREATE TABLE users (tenant int, id int, email_address text NOT NULL, PRIMARY KEY (tenant, id))",
        f"INSERT INTO users VALUES (1, 7, '{address()}'), (1, 1, 'real@example.gov')",
        "CREATE TABLE org (id int PRIMARY KEY)",
        "CREATE TABLE mem (tenant int, user_id int, org_id int REFERENCES org)")  # fmt: skip
    with pytest.raises(
        errors.ConfigurationError, match="users has no primary key of one column to know members by"
    ):
        blockers(database, owned_through=["mem(user_id -> org_id) -> org(id)"])


def test_groups_are_known_by_one_column_which_is_there_once(users: str) -> None:
    """An organisation of another tenant went, because it had the number of the test users' one."""
    run(users, "CREATE TABLE org (tenant int, id int, slug text UNIQUE, PRIMARY KEY (tenant, id))",
        "INSERT INTO org VALUES (1, 1, 'test'), (1, 2, 'real')",
        "CREATE TABLE mem (u int REFERENCES users, o int, s text REFERENCES org (slug), d date)",
        "INSERT INTO mem VALUES (1, 1), (2, 1), (3, 2)")  # fmt: skip
    by_id = "mem(u -> o) -> org(id)"
    assert blockers(users, owned_through=[by_id]) == ()
    run(users, "INSERT INTO org VALUES (2, 1, 'no members yet')")
    said = "org.id: what groups are known by is there more than once"
    assert blockers(users, owned_through=[by_id]) == (said,)
    with pytest.raises(errors.ConfigurationError, match=r"org is known by org\.id already"):
        blockers(users, owned_through=[by_id, "mem(u -> s) -> org(slug)"])
    with pytest.raises(errors.ConfigurationError, match=r"mem\.d is not of the type of org\.id"):
        blockers(users, owned_through=["mem(u -> d) -> org(id)"])


def test_an_age_that_is_empty_is_none(users: str) -> None:
    with pytest.raises(errors.UsageError, match="'' is no age"):
        blockers(users, older_than="", age="users.created_at")


@pytest.mark.parametrize("text", ["999999d", "inf", "-2d"])
def test_an_age_beyond_all_times(text: str) -> None:
    with pytest.raises(errors.UsageError, match="is no age"):
        moment(text)


def test_a_range_is_no_age(users: str) -> None:
    run(users, "ALTER TABLE users ADD during daterange")
    with pytest.raises(errors.ConfigurationError, match="no date or time"):
        blockers(users, older_than="2d", age="users.during")


@pytest.mark.parametrize("form", ["{{{}}}", "{} ", "{}"])
def test_a_protected_uuid_is_known_however_it_is_written(database: str, form: str) -> None:
    key = "5e1f1d3c-8a51-4c5e-9b7e-0c7a4d5e6f70"
    run(database, "CREATE TABLE users (id uuid PRIMARY KEY, email_address text NOT NULL)",
        f"INSERT INTO users VALUES ('{key}', '{address()}'), (gen_random_uuid(), '{address()}')")  # fmt: skip
    assert plan_of(database, settings(**OWNED, protected=[form.format(key.upper())])).matched == 1


def test_one_column_of_a_key_lets_go_and_the_others_stay(users: str) -> None:
    run(users, "ALTER TABLE users ADD tenant int DEFAULT 7, ADD UNIQUE (tenant, id)",
        "CREATE TABLE posts (id int PRIMARY KEY, tenant int, author_id int,"
        " FOREIGN KEY (tenant, author_id) REFERENCES users (tenant, id))",
        "INSERT INTO posts VALUES (1, 7, 1), (2, 7, 3)")  # fmt: skip
    purge(users, settings(**OWNED, policies=["posts.author_id=null"]))
    assert query(users, "SELECT * FROM posts ORDER BY id") == [(1, 7, None), (2, 7, 3)]


# -- what does more than was planned --

COUNTED = (
    "CREATE TABLE stats (n int)",
    "INSERT INTO stats VALUES (0)",
    """CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE stats SET n = n + 1; RETURN NULL; END'""",
)
MESSAGES = (
    "CREATE TABLE msg (id int PRIMARY KEY, user_id int REFERENCES users) PARTITION BY RANGE (id)",
    "CREATE TABLE msg1 PARTITION OF msg FOR VALUES FROM (0) TO (1000000)",
    "INSERT INTO msg SELECT n, CASE WHEN n % 2 = 0 THEN 1 ELSE 3 END FROM generate_series(1, 300) n",
)


def test_a_trigger_of_a_partition_is_seen(users: str) -> None:
    """In batches, what it changed was committed and proved by nobody."""
    run(users, *COUNTED, *MESSAGES,
        "CREATE TRIGGER t AFTER DELETE ON msg1 FOR EACH ROW EXECUTE FUNCTION count_it()")  # fmt: skip
    before = dump(users)
    plan = plan_of(users, settings(**OWNED, batch_above=100, batch_rows=50))
    assert any("msg has a trigger on delete" in each for each in plan.warnings)
    with pytest.raises(errors.ProofFailed):
        execute_on(users, plan)
    assert dump(users) == before


def test_a_rule_is_refused(users: str) -> None:
    run(users, *COUNTED, *MESSAGES,
        "CREATE RULE log AS ON DELETE TO msg DO ALSO UPDATE stats SET n = n + 1")  # fmt: skip
    assert "msg: it has a rule, log, which is not supported" in blockers(users, batch_above=100)


def test_what_a_constraint_or_a_trigger_forbids_is_refused_without_the_values(users: str) -> None:
    run(users, "CREATE TABLE notes (id int PRIMARY KEY, secret text, user_id int REFERENCES users"
        " CONSTRAINT somebody CHECK (user_id IS NOT NULL))",
        "INSERT INTO notes VALUES (1, 'hidden', 1)")  # fmt: skip
    before = dump(users)
    with pytest.raises(errors.Refused) as refused:
        purge(users, settings(**OWNED, policies=["notes.user_id=null"]))
    assert "somebody" in refused.value.reasons[0]
    assert "hidden" not in str(refused.value) + "".join(refused.value.reasons)
    assert dump(users) == before


def test_an_index_that_is_only_called_like_ours_stays(users: str) -> None:
    run(users, "CREATE UNIQUE INDEX _purge_uq ON users (email_address)",
        "CREATE INDEX _purge_users_0badcafe ON users (email_address)")  # fmt: skip
    told = list[object]()
    assert plan_of(users, settings(**OWNED)).left_over == ()
    execute_on(users, plan_of(users, settings(**OWNED)), told.append)
    assert not [each for each in told if isinstance(each, IndexDropped)]
    assert [each.rows for each in told if isinstance(each, Deleted)] == [2]
    assert len(query(users, "SELECT FROM pg_indexes WHERE starts_with(indexname, '_purge_')")) == 2


# -- what holds a plan up --


def test_a_plan_waits_no_longer_for_a_lock_than_it_may(users: str) -> None:
    wanted = settings(**OWNED, lock_timeout=0.2)
    with psycopg.connect(plain_url(users)) as other, make_engine(users).connect() as conn:
        other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(errors.LockNotAvailable):
            build_plan(conn, wanted, PREFIX)
        assert time.monotonic() - began < 5


def test_a_lock_timeout_of_less_than_the_server_can_tell_is_not_none(users: str) -> None:
    wanted = dataclasses.replace(settings(**OWNED), lock_timeout=0.0004, deadline=0.5)
    plan = plan_of(users, wanted)
    with psycopg.connect(plain_url(users)) as other:
        other.execute("SELECT FROM users WHERE id = 1 FOR UPDATE")
        ended = threading.Timer(15, other.cancel)
        ended.start()
        began = time.monotonic()
        with pytest.raises(errors.LockNotAvailable):
            execute_on(users, plan)
        assert time.monotonic() - began < 10
        ended.cancel()


def test_a_timeout_of_the_role_does_not_end_a_plan(users: str) -> None:
    run(users, f"ALTER DATABASE {sa.make_url(users).database} SET statement_timeout = '20ms'",
        "CREATE TABLE slow (id int PRIMARY KEY, user_id int REFERENCES users)",
        "INSERT INTO slow SELECT n, 1 FROM generate_series(1, 200000) n")  # fmt: skip
    assert plan_of(users, settings(**OWNED)).rows == 200_002


def test_explaining_reads_what_a_plan_reads(users: str) -> None:
    run(users, *TICKETS)
    with make_engine(users).connect() as conn:
        found = explain(conn, PurgeSettings.of(OWNED))
    assert [(each.relation, each.policy) for each in found.relations] == [
        ("shop.tickets.user_id -> users.id", "follow")
    ]


# -- names that look like others --


def test_tables_whose_names_would_be_one_without_quotes_are_told_apart(users: str, tmp_path: Path) -> None:
    run(users, "CREATE SCHEMA a",
        "CREATE TABLE a.b (id int PRIMARY KEY, user_id int REFERENCES users)",
        'CREATE TABLE "a.b" (id int PRIMARY KEY, user_id int REFERENCES users)',
        "INSERT INTO a.b SELECT n, 1 FROM generate_series(1, 300) n",
        'INSERT INTO "a.b" SELECT n, 1 FROM generate_series(1, 200) n')  # fmt: skip
    before = dump(users)
    plan = plan_of(users, settings(**OWNED, batch_above=100, batch_rows=50))
    counts = {"a.b": 300, '"a.b"': 200}
    shown = {each["table"]: each["rows"] for each in plan.to_json()["tables"]}
    assert shown == {**counts, "users": 2}
    purged = execute_on(users, plan, archive=tmp_path)
    assert dict(purged.tables) == {**counts, "users": 2}
    said = "SELECT relation, sum(rows)::int FROM notifydb.purge_segment GROUP BY 1"
    assert set(query(users, said)) == {*counts.items(), ("users", 2)}
    assert dict(put_back(users, purged.archive).tables) == {**counts, "users": 2}
    assert dump(users) == before
