"""Large purges in committed batches: what goes in them, what interrupts them, and what is left by whatever does."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from postgres.purge_support import (
    PREFIX,
    address,
    database_of,
    dump,
    execute_on,
    permit_for,
    plan_of,
    put_back,
    run,
    settings,
)

from conftest import query
from notifydb import errors
from notifydb.postgres import own
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.connect import make_engine
from notifydb.purge.events import (
    Batch,
    Deleted,
    Drained,
    Event,
    IndexBuilt,
    IndexDropped,
    Retrying,
    Vacuumed,
    Waiting,
)
from notifydb.purge.execute import How, Purged, execute
from notifydb.purge.helpful import name_of
from notifydb.purge.plan import build_plan
from notifydb.purge.planned import Plan
from notifydb.settings.model import PurgeSettings

TEST, REAL = 1, 2
USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL)",
    f"INSERT INTO users VALUES ({TEST}, '{address()}'), ({REAL}, 'person@example.gov')",
)
#: 64 rows of each owner in each table, three or four to a block.
TREE = (
    "CREATE TABLE a (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users, pad text)",
    "CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL REFERENCES a, pad text)",
    "CREATE INDEX ON b (a_id)",
    "CREATE TABLE c (a_id int NOT NULL REFERENCES a, pad text) PARTITION BY HASH (a_id)",
    *(f"CREATE TABLE c{n} PARTITION OF c FOR VALUES WITH (MODULUS 3, REMAINDER {n})" for n in range(3)),
    "INSERT INTO a SELECT n, 1 + n % 2, repeat('x', 1900) FROM generate_series(1, 128) n",
    "INSERT INTO b SELECT n, n, repeat('x', 1900) FROM generate_series(1, 128) n",
    "INSERT INTO c SELECT n, repeat('x', 1900) FROM generate_series(1, 128) n",
)
JOURNAL = "SELECT state, rows FROM notifydb.purge ORDER BY started_at"
LEFT_OVER = "SELECT relname FROM pg_class WHERE starts_with(relname, '_purge_') AND relkind IN ('i', 'r')"


@pytest.fixture
def users(database: str) -> str:
    """A database with one test user and one real user."""
    run(database, *USERS)
    return database


@pytest.fixture
def tree(users: str) -> str:
    """`b` and the partitioned `c` belong to `a`, and that to users: no row is both the test user's and another's."""
    run(users, *TREE)
    return users


def batched(**changes: Any) -> PurgeSettings:
    return settings(**{"batch_above": 0, "batch_rows": 16, "lock_timeout": 0.2, **changes})


def plan_with(url: str, **changes: Any) -> Plan:
    return plan_of(url, batched(**changes))


def real(url: str) -> dict[str, int]:
    """How many rows are left where only the real user's are."""
    return {table: sum(rows.values()) for table, rows in dump(url).items()}


ONLY_REAL = {"a": 64, "b": 64, "c": 64, "users": 1}


# -- which tables go in batches --

A = "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)"
B = "CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a)"
ROWS = (f"INSERT INTO a VALUES (1, {TEST}), (2, {REAL})", "INSERT INTO b VALUES (1, 1), (2, 2)")
CHOICES: dict[str, tuple[tuple[str, ...], dict[str, Any], list[list[str]]]] = {
    "a chain": ((A, B, *ROWS), {}, [["b"], ["a"]]),
    "two that have nothing to do with each other": (
        (A, B, *ROWS, "CREATE TABLE d (user_id int REFERENCES users)", f"INSERT INTO d VALUES ({TEST})"),
        {},
        [["b", "d"], ["a"]],
    ),
    "a row that refers to its own table": (
        (A, B, *ROWS, "ALTER TABLE a ADD up int REFERENCES a", "UPDATE a SET up = id"), {}, [["b"]],
    ),
    "a cascade": (
        (A, "CREATE TABLE b (id int, a_id int REFERENCES a ON DELETE CASCADE)", *ROWS),
        {},
        [["b"]],
    ),
    "a trigger on delete": (
        (A, B, *ROWS, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$",
         "CREATE TRIGGER t BEFORE DELETE ON b FOR EACH ROW EXECUTE FUNCTION f()"),
        {},
        [],
    ),
    "what others let go of": (
        (A, B, *ROWS, "CREATE TABLE d (seen_by int REFERENCES a)", "INSERT INTO d VALUES (1)"),
        {"policies": ("d.seen_by=null",)},
        [["b"]],
    ),
    "what others could let go of": (
        (A, B, *ROWS, "CREATE TABLE d (seen_by int REFERENCES a)", "INSERT INTO d VALUES (2)"),
        {"policies": ("d.seen_by=null",)},
        [["b"], ["a"]],
    ),
    "an actor's rows that go by another way": (
        (A, B, *ROWS,
         "CREATE TABLE d (user_id int REFERENCES users, seen_by_id int REFERENCES a ON DELETE RESTRICT)",
         f"INSERT INTO d VALUES ({TEST}, 1)"),
        {},
        [["b", "d"], ["a"]],
    ),
    "an owner that refers back to what it owns": (
        (A, B, *ROWS, "ALTER TABLE a ADD seen_by_id int REFERENCES b", "UPDATE a SET seen_by_id = id"), {}, [],
    ),
    "memberships and their groups": (
        ("CREATE TABLE teams (id int PRIMARY KEY)",
         "CREATE TABLE members (user_id int REFERENCES users, team_id int REFERENCES teams)",
         "CREATE TABLE prizes (team_id int REFERENCES teams)",
         "INSERT INTO teams VALUES (1)", f"INSERT INTO members VALUES ({TEST}, 1)", "INSERT INTO prizes VALUES (1)"),
        {"owned_through": ("members(user_id -> team_id) -> teams(id)",)},
        [["prizes"]],
    ),
    "few rows in all": ((A, B, *ROWS), {"batch_above": 3}, []),
    "one large table, and what has to go before it": (
        (A, B, *ROWS, f"INSERT INTO a SELECT n, {TEST} FROM generate_series(3, 9) n",
         "CREATE TABLE d (user_id int REFERENCES users)", f"INSERT INTO d VALUES ({TEST})"),
        {"batch_above": 5},
        [["b"], ["a"]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", CHOICES)
def test_what_goes_in_batches(users: str, shape: str, tmp_path: Path) -> None:
    statements, changes, levels = CHOICES[shape]
    run(users, *statements)
    plan = plan_of(users, settings(**{"batch_above": 0, **changes}))
    assert [list(map(str, level)) for level in plan.strategy.levels] == levels
    assert plan.to_json()["strategy"]["batches"] == [name for level in levels for name in level]
    before = dump(users)
    put_back(users, execute_on(users, plan, archive=tmp_path).archive)
    assert dump(users) == before


# -- a run that nobody disturbs --


@pytest.mark.parametrize("jobs", [1, 2, 4])
def test_all_of_it_goes_whatever_the_number_of_sessions(tree: str, jobs: int, tmp_path: Path) -> None:
    before, told = dump(tree), list[Event]()
    purged = execute_on(tree, plan_with(tree, jobs=jobs), told.append, tmp_path)
    assert real(tree) == ONLY_REAL
    assert purged.tables == (("b", 64), ("c", 64), ("a", 64), ("users", 1))
    for table in ("a", "b", "c"):
        found = [event for event in told if isinstance(event, Batch) and str(event.table) == table]
        assert len(found) > 2
        assert sum(event.rows for event in found) == max(event.done for event in found) == 64
        assert {event.planned for event in found} == {64}
    drained = [(str(event.table), event.rows) for event in told if isinstance(event, Drained)]
    assert drained == [("b", 64), ("c", 64), ("a", 64)]
    # Each level is vacuumed where later deletes look into it.
    assert [(str(e.table), e.problem) for e in told if isinstance(e, Vacuumed)] == [
        ("b", None), ("c", None), ("a", None),
    ]  # fmt: skip
    # All that is left for the last transaction are the users, and nothing else is even tried.
    assert [(str(e.table), e.rows) for e in told if isinstance(e, Deleted)] == [("users", 1)]
    assert query(tree, JOURNAL) == [("done", 193)]
    assert query(tree, LEFT_OVER) == []
    put_back(tree, purged.archive)
    assert dump(tree) == before


@pytest.mark.parametrize(
    "change",
    ["ALTER TABLE b RENAME TO b2", "ALTER TABLE b RENAME a_id TO parent_id", "DROP TABLE b"],
)
def test_a_migration_between_plan_and_purge(tree: str, tmp_path: Path, change: str) -> None:
    plan = plan_with(tree)
    run(tree, change)
    before = dump(tree)
    with pytest.raises(errors.Refused, match="the schema has changed") as refused:
        execute_on(tree, plan, archive=tmp_path)
    assert "does not exist" in refused.value.reasons[0]
    assert (dump(tree), query(tree, JOURNAL), list(tmp_path.iterdir())) == (before, [], [])


def test_each_batch_is_archived_by_itself(tree: str, tmp_path: Path) -> None:
    told = list[Event]()
    execute_on(tree, plan_with(tree, jobs=2), told.append, tmp_path)
    batches = sorted((str(e.table), e.rows) for e in told if isinstance(e, Batch) and e.rows)
    segments = "SELECT relation, rows FROM notifydb.purge_segment WHERE relation <> 'users'"
    assert sorted(query(tree, segments)) == batches


def test_without_an_archive(tree: str) -> None:
    how = How(None, lock_wait=20)
    done = execute(tree, permit_for(database_of(tree)), plan_with(tree), how)
    assert (done.rows, done.archive, real(tree)) == (193, None, ONLY_REAL)
    assert query(tree, "SELECT state, archive FROM notifydb.purge") == [("done", None)]


def test_rows_that_come_meanwhile_go_at_the_end(tree: str, tmp_path: Path) -> None:
    before = dump(tree)

    def add(event: Event) -> None:
        if isinstance(event, Drained) and str(event.table) == "a":
            run(
                tree, f"INSERT INTO a VALUES (500, {TEST}, 'late')", "INSERT INTO b VALUES (500, 500, 'late')"
            )

    purged = execute_on(tree, plan_with(tree), add, tmp_path)
    assert (purged.rows, real(tree)) == (195, ONLY_REAL)
    put_back(tree, purged.archive)
    late = {"a": {f"(500,{TEST},late)": 1}, "b": {"(500,500,late)": 1}}
    assert dump(tree) == {table: rows + type(rows)(late.get(table, {})) for table, rows in before.items()}


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT"])
def test_a_row_that_comes_under_a_parent_that_goes(tree: str, action: str) -> None:
    """What it refers to goes with it at the end; meanwhile the server refuses to delete it."""
    run(tree, "ALTER TABLE b DROP CONSTRAINT b_a_id_fkey",
        f"ALTER TABLE b ADD CONSTRAINT b_a_id_fkey FOREIGN KEY (a_id) REFERENCES a ON DELETE {action}")  # fmt: skip

    def add(event: Event) -> None:
        if isinstance(event, Drained) and str(event.table) == "c":
            run(tree, "INSERT INTO b VALUES (500, 2, 'late')")

    told = list[Event]()

    def listen(event: Event) -> None:
        told.append(event)
        add(event)

    assert execute_on(tree, plan_with(tree, jobs=1), listen).rows == 194
    assert real(tree) == ONLY_REAL
    at_the_end = {str(e.table): e.rows for e in told if isinstance(e, Deleted)}
    assert at_the_end["b"] == 1
    assert at_the_end["a"] >= 1


# -- others that are in the way --


def test_a_batch_gives_way_and_comes_back(tree: str) -> None:
    told, other = list[Event](), make_engine(tree).connect()
    other.exec_driver_sql("SELECT FROM a WHERE id = 64 FOR UPDATE")

    def listen(event: Event) -> None:
        told.append(event)
        if isinstance(event, Retrying):
            other.rollback()

    with other:
        assert execute_on(tree, plan_with(tree, jobs=2), listen).rows == 193
    assert real(tree) == ONLY_REAL
    (retried,) = [event for event in told if isinstance(event, Retrying)]
    assert (retried.attempt, retried.attempts) == (2, 30)
    assert "lock timeout" in retried.reason
    assert retried.wait is not None
    assert [each.session.query for each in retried.wait.blockers] == ["SELECT FROM a WHERE id = ? FOR UPDATE"]


def test_a_lock_that_is_never_let_go_of(tree: str, tmp_path: Path) -> None:
    before = dump(tree)
    with make_engine(tree).connect() as other:
        other.exec_driver_sql("SELECT FROM a WHERE id = 64 FOR UPDATE")
        with pytest.raises(errors.LockNotAvailable):
            execute_on(tree, plan_with(tree, jobs=1, attempts=2), archive=tmp_path)
    # What was committed stays so; nobody lost a parent.
    assert query(tree, JOURNAL) == [("running", None)]
    assert real(tree) | {"a": 0} == {**ONLY_REAL, "a": 0, "users": 2}
    purged = execute_on(tree, plan_with(tree), archive=tmp_path)
    assert real(tree) == ONLY_REAL
    assert query(tree, JOURNAL) == [("continued", None), ("done", purged.rows)]
    put_back(tree, *tmp_path.iterdir())
    assert dump(tree) == before
    assert {state for state, _ in query(tree, JOURNAL)} == {"restored"}


def test_another_notifydb_is_waited_for(tree: str) -> None:
    plan, told, before = plan_with(tree), list[Event](), dump(tree)
    with advisory_lock(tree, wait=0), pytest.raises(errors.RunnerActive):
        execute(tree, permit_for(database_of(tree)), plan, How(None, lock_wait=0.5), listen=told.append)
    assert {type(event) for event in told} == {Waiting}
    assert dump(tree) == before


def test_a_plan_id_binds_to_the_row(tree: str, tmp_path: Path) -> None:
    plan = plan_with(tree)
    run(tree, f"INSERT INTO a VALUES (500, {TEST})")
    before = dump(tree)
    with pytest.raises(errors.Refused) as refused:
        execute_on(tree, plan, archive=tmp_path, exact=True)
    assert refused.value.reasons[0] == "a: 64 rows were planned, 65 are found"
    assert dump(tree) == before
    assert list(tmp_path.iterdir()) == []
    with make_engine(tree).begin() as conn:
        own.install(conn)
    assert query(tree, JOURNAL) == []


def test_other_users_than_planned(tree: str, tmp_path: Path) -> None:
    plan = plan_with(tree)
    run(tree, f"INSERT INTO users VALUES (3, '{address()}')")
    before = dump(tree)
    with pytest.raises(errors.Refused, match="the database has changed since it was planned"):
        execute_on(tree, plan, archive=tmp_path)
    assert (dump(tree), list(tmp_path.iterdir())) == (before, [])


TEAMS = (
    "CREATE TABLE teams (id int PRIMARY KEY)",
    "CREATE TABLE members (user_id int REFERENCES users, team_id int REFERENCES teams)",
    "CREATE TABLE prizes (id int PRIMARY KEY, team_id int REFERENCES teams)",
    "CREATE TABLE photos (prize_id int REFERENCES prizes)",
    "INSERT INTO teams VALUES (1), (2)",
    f"INSERT INTO members VALUES ({TEST}, 1), ({REAL}, 2)",
    "INSERT INTO prizes SELECT n, 1 + n % 2 FROM generate_series(1, 20) n",
    "INSERT INTO photos SELECT n FROM generate_series(1, 20) n",
)


def test_somebody_who_joins_between_two_tables_stops_it(users: str, tmp_path: Path) -> None:
    run(users, *TEAMS)
    before = dump(users)

    def join(event: Event) -> None:
        if isinstance(event, Drained) and str(event.table) == "photos":
            run(users, f"INSERT INTO members VALUES ({REAL}, 1)")

    chosen = {"owned_through": ("members(user_id -> team_id) -> teams(id)",), "jobs": 1}
    with pytest.raises(errors.Refused) as refused:
        execute_on(users, plan_with(users, **chosen), join, tmp_path)
    assert refused.value.hint == "plan again; `notifydb restore` puts back what was deleted by now"
    after = dump(users)
    # Ten photos are gone, and what had not been begun is untouched.
    assert {**after, "photos": before["photos"]} == {
        **before, "members": before["members"] + type(before["members"])({f"({REAL},1)": 1}),
    }  # fmt: skip
    assert sum(after["photos"].values()) == 10
    put_back(users, *tmp_path.iterdir())
    assert dump(users)["photos"] == before["photos"]


# -- what ends a run --


def terminate(url: str) -> None:
    query(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
               " AND application_name = 'notifydb purge'")  # fmt: skip


@pytest.mark.parametrize("table", ["b", "c", "a"])
def test_connections_that_are_cut(tree: str, table: str, tmp_path: Path) -> None:
    before = dump(tree)

    def cut(event: Event) -> None:
        if isinstance(event, Batch) and str(event.table) == table:
            terminate(tree)

    with pytest.raises(errors.DatabaseUnreachable):
        execute_on(tree, plan_with(tree, jobs=2), cut, tmp_path)
    assert query(tree, JOURNAL) == [("running", None)]
    assert real(tree)["users"] == 2
    purged = execute_on(tree, plan_with(tree, jobs=2), archive=tmp_path)
    assert real(tree) == ONLY_REAL
    assert query(tree, JOURNAL) == [("continued", None), ("done", purged.rows)]
    assert query(tree, LEFT_OVER) == []
    put_back(tree, *tmp_path.iterdir())
    assert dump(tree) == before


def test_a_disk_that_fills_up_keeps_what_is_not_on_it(
    tree: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, calls, real_fsync = dump(tree), [0], os.fsync

    def fsync(descriptor: int) -> None:
        calls[0] += 1
        if calls[0] > 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real_fsync(descriptor)

    plan = plan_with(tree, jobs=1)
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(errors.ConfigurationError, match="No space left"):
        execute_on(tree, plan, archive=tmp_path)
    monkeypatch.undo()
    after = dump(tree)
    assert 0 < sum(real(tree).values()) - sum(ONLY_REAL.values()) < 193
    put_back(tree, *tmp_path.iterdir())
    assert (dump(tree), after != before) == (before, True)


# -- indexes for the time of it --

INDEXDEF = "SELECT indexdef FROM pg_indexes WHERE starts_with(indexname, '_purge_')"
#: For each row of `a` that goes, the server would read all of `d`.
UNINDEXED = (
    "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)",
    "CREATE TABLE d (a_id int REFERENCES a)",
    "INSERT INTO a SELECT n, 1 + n % 2 FROM generate_series(1, 5000) n",
    "INSERT INTO d SELECT n FROM generate_series(1, 5000, 2) n",
    "ANALYZE",
)


@pytest.mark.parametrize("above", [0, 5_000], ids=["in batches", "at once"])
def test_an_index_for_the_time_of_the_purge(users: str, above: int) -> None:
    run(users, *UNINDEXED)
    seen = list[tuple[object, ...]]()

    def look(event: Event) -> None:
        if isinstance(event, Drained | Deleted) and str(event.table) == "a":
            seen.extend(query(users, INDEXDEF))
        if isinstance(event, IndexBuilt | IndexDropped):
            told.append(event)

    told = list[IndexBuilt | IndexDropped]()
    plan = plan_of(users, settings(batch_above=above))
    assert [str(key.child) for key in plan.strategy.indexes] == ["d"]
    assert [(each.relation, each.built) for each in plan.unindexed if each.built] == [("d(a_id) -> a", True)]
    assert execute_on(users, plan, look).rows == 2501
    assert [(type(event), event.index.rpartition("_")[0], event.problem) for event in told] == [
        (IndexBuilt, "d(a", None), (IndexDropped, "_purge_d", None),
    ]  # fmt: skip
    ((definition,),) = seen
    # Whoever refers to nothing is looked for by no check.
    assert str(definition).endswith("ON public.d USING btree (a_id) WHERE (a_id IS NOT NULL)")
    assert query(users, LEFT_OVER) == []


def test_a_purge_with_a_near_deadline_does_not_wait_long_for_an_index(users: str) -> None:
    run(users, *UNINDEXED)
    told = list[Event]()
    with make_engine(users).connect() as other:
        other.exec_driver_sql("LOCK TABLE d IN ROW EXCLUSIVE MODE")
        assert execute_on(users, plan_of(users, settings(deadline=1)), told.append).rows == 2501
    (built,) = [event for event in told if isinstance(event, IndexBuilt)]
    assert built.problem is not None
    assert "lock timeout" in built.problem
    assert built.seconds < 5


def test_an_index_that_was_left_half_built_is_built_again(users: str) -> None:
    run(users, *UNINDEXED)
    told = list[Event]()
    (index,) = plan_of(users).strategy.indexes
    run(users, f"CREATE INDEX {name_of(index)} ON d (a_id) WHERE a_id < 10")
    execute_on(users, plan_of(users), told.append)
    assert [event.problem for event in told if isinstance(event, IndexBuilt)] == [None]
    assert query(users, LEFT_OVER) == []


def test_an_index_that_a_killed_purge_has_left(tree: str) -> None:
    ours = name_of(next(key for key in plan_of(tree).scene.catalog.foreign_keys if key.child.name == "a"))
    run(tree, f"CREATE INDEX {ours} ON a (user_id)", "CREATE INDEX _purge_a_mine ON a (user_id)")
    told = list[Event]()
    execute_on(tree, plan_of(tree), told.append)
    assert [event for event in told if isinstance(event, IndexDropped)] == [IndexDropped(ours)]
    # Somebody may call his own like that.
    assert query(tree, LEFT_OVER) == [("_purge_a_mine",)]


def test_an_index_that_an_earlier_version_has_left_on_a_table_whose_name_is_quoted(tree: str) -> None:
    """Its name is made of the table's, which is shown in quotes by now."""
    left = "_purge_a-b_ecb5ce9d"
    run(tree, 'CREATE TABLE "a-b" (user_id int)', f'CREATE INDEX "{left}" ON "a-b" (user_id)')
    assert [index.name for index in plan_of(tree).left_over] == [left]


@pytest.fixture
def stranger(users: str) -> Iterator[str]:
    """The URL of somebody who may delete, and owns nothing."""
    role = f"stranger_{database_of(users)}"
    run(users, *UNINDEXED, f"CREATE ROLE {role} LOGIN",
        f"GRANT CREATE ON DATABASE {database_of(users)} TO {role}",
        f"GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")  # fmt: skip
    yield sa.make_url(users).set(username=role).render_as_string(hide_password=False)
    run(users, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")


def test_who_owns_nothing_purges_without_help(stranger: str, users: str, tmp_path: Path) -> None:
    with make_engine(stranger).connect() as conn:
        plan = build_plan(conn, batched(batch_rows=1000), PREFIX)
    told = list[Event]()
    done: Purged = execute_on(stranger, plan, told.append, tmp_path)
    assert (done.rows, query(users, "SELECT count(*) FROM a")) == (2501, [(2500,)])
    (built,) = [event for event in told if isinstance(event, IndexBuilt)]
    assert built.problem is not None
    assert "must be owner of table d" in built.problem
    (vacuumed,) = [event for event in told if isinstance(event, Vacuumed)]
    assert vacuumed.problem is not None
    # PostgreSQL 16 and later, and those before it.
    said = ("permission denied to vacuum", "only table or database owner can vacuum it")
    assert any(words in vacuumed.problem for words in said)
