"""Relations of every shape: followed, proved or refuted by the values there are, decided, or refused."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from postgres.purge_support import PREFIX, address, plan_of, purge, run, settings

from conftest import query
from notifydb.postgres.connect import make_engine
from notifydb.postgres.relations import read_catalog
from notifydb.purge.evidence import Evidence
from notifydb.purge.graph import Graph, read_graph
from notifydb.purge.relation import Policy
from notifydb.purge.target import find_target
from notifydb.settings.model import PurgeSettings

TEST, REAL = 1, 2


@pytest.fixture
def users(database: str) -> str:
    """A database with one test user and one real user."""
    run(
        database,
        "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL)",
        f"INSERT INTO users VALUES ({TEST}, '{address()}'), ({REAL}, 'person@example.gov')",
    )
    return database


def graph_of(url: str, given: PurgeSettings | None = None) -> Graph:
    """The graph with all that the rows say."""
    given = given or settings()
    with make_engine(url).connect() as conn:
        catalog = read_catalog(conn)
        return read_graph(catalog, find_target(catalog, given, PREFIX), given, Evidence(conn, catalog))


def suspected(graph: Graph) -> dict[str, str]:
    """What is suspected, with the proof."""
    return {str(r): str(r.proof) for r in graph.relations if r.policy is Policy.SUSPECT}


def refuted(graph: Graph) -> dict[str, str]:
    return {str(r): str(r.proof) for r in graph.refuted}


# -- suspicions and what the rows say of them --


def test_values_prove_and_refute(users: str) -> None:
    run(
        users,
        "CREATE TABLE notes (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id int REFERENCES users)",
        f"INSERT INTO notes (user_id) SELECT {REAL} FROM generate_series(1, 50)",
        "CREATE TABLE copied_history (id uuid, user_id int)",
        "CREATE TABLE notes_history (id uuid, user_id int)",
        "INSERT INTO notes_history SELECT id, user_id FROM notes",
        "CREATE TABLE moved (LIKE notes)",
        "CREATE TABLE notes_archive (id uuid, user_id int)",
        "INSERT INTO notes_archive SELECT gen_random_uuid(), NULL FROM generate_series(1, 50)",
        "CREATE TABLE empty (user_id int)",
    )
    found = graph_of(users)
    assert suspected(found) == {
        "notes_history.id -> notes.id": "50 of 50 sampled values are there",
        "notes_history.user_id -> users.id": "1 of 1 sampled values are there",
        "notes_archive.user_id -> users.id": "no values to go by",
        "copied_history.user_id -> users.id": "no values to go by",
        "empty.user_id -> users.id": "no values to go by",
        "moved.user_id -> users.id": "no values to go by",
    }
    assert refuted(found) == {"notes_archive.id -> notes.id": "0 of 50 sampled values are there"}
    assert [doubt.split(",")[0] for doubt in found.doubts] == [
        "notes_history.id -> notes.id looks like a relation (50 of 50 sampled values are there)",
        "notes_history.user_id -> users.id looks like a relation (1 of 1 sampled values are there)",
    ]


def test_a_few_values_that_are_not_found_refute_nothing(users: str) -> None:
    run(users, "CREATE TABLE log (user_id int)", "INSERT INTO log SELECT i FROM generate_series(3, 9) i",
        "CREATE TABLE a (user_id int REFERENCES users)")  # fmt: skip
    assert suspected(graph_of(users)) == {"log.user_id -> users.id": "0 of 7 sampled values are there"}
    assert graph_of(users).doubts == ()


def test_a_number_of_its_own_is_no_reference(users: str) -> None:
    """A history's own serial key has the values of the original's, by chance; a copied default has not."""
    run(
        users,
        "CREATE TABLE a (id serial PRIMARY KEY, user_id int REFERENCES users)",
        f"INSERT INTO a (user_id) SELECT {REAL} FROM generate_series(1, 30)",
        "CREATE TABLE a_history (id serial PRIMARY KEY, note text)",
        "INSERT INTO a_history (note) SELECT 'x' FROM generate_series(1, 30)",
        "CREATE TABLE a_archive (LIKE a INCLUDING DEFAULTS)",
        "INSERT INTO a_archive SELECT id FROM a",
    )
    found = graph_of(users)
    assert refuted(found) == {"a_history.id -> a.id": "the column has a sequence of its own"}
    assert set(suspected(found)) == {"a_archive.id -> a.id", "a_archive.user_id -> users.id"}


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ("uuid", "text"), ("text", "uuid"), ("int", "text"), ("bigint", "varchar(40)"), ("int", "bigint"),
        ("smallint", "int"),
    ],
)  # fmt: skip
def test_types_that_differ(database: str, parent: str, child: str) -> None:
    """A text that holds keys refers to them; one that holds other words does not, and breaks nothing."""
    key = "gen_random_uuid()" if "uuid" in (parent, child) else "i"
    run(
        database,
        f"CREATE TABLE users (id {parent} PRIMARY KEY, email_address text NOT NULL)",
        f"INSERT INTO users SELECT {key}, 'p' || i || '@example.gov' FROM generate_series(1, 40) i",
        f"UPDATE users SET email_address = '{address()}' WHERE email_address = 'p7@example.gov'",
        f"CREATE TABLE keyed (user_id {parent} REFERENCES users)",
        f"CREATE TABLE audit (user_id {child})",
        f"INSERT INTO audit SELECT id::text::{child} FROM users",
    )
    assert suspected(graph_of(database)) == {"audit.user_id -> users.id": "40 of 40 sampled values are there"}
    assert purge(database, settings(implicit=("audit.user_id -> users.id",))).rows == 2
    assert query(database, "SELECT count(*) FROM audit") == [(39,)]


def test_words_in_a_text_are_no_keys(users: str) -> None:
    run(
        users,
        "CREATE TABLE keyed (user_id int REFERENCES users)",
        "CREATE TABLE audit (user_id text)",
        "INSERT INTO audit SELECT 'somebody ' || i FROM generate_series(1, 30) i",
    )
    assert refuted(graph_of(users)) == {"audit.user_id -> users.id": "0 of 30 sampled values are there"}


def test_several_columns_together(users: str) -> None:
    run(
        users,
        "CREATE TABLE orders (tenant int, id int, user_id int REFERENCES users, PRIMARY KEY (tenant, id))",
        f"INSERT INTO orders SELECT i % 3, i, {REAL} FROM generate_series(1, 40) i",
        f"INSERT INTO orders VALUES (1, 100, {TEST})",
        "CREATE TABLE lines (tenant int, order_id int, FOREIGN KEY (tenant, order_id) REFERENCES orders)",
        "CREATE TABLE old_lines (tenant int, order_id int)",
        "INSERT INTO old_lines SELECT tenant, id FROM orders",
        "INSERT INTO old_lines VALUES (2, 100), (1, NULL), (NULL, 100)",
    )
    relation = "old_lines(tenant, order_id) -> orders(tenant, id)"
    assert suspected(graph_of(users)) == {relation: "41 of 42 sampled values are there"}
    assert [b for b in plan_of(users).blockers if "old_lines" in b] != []
    assert purge(users, settings(implicit=(relation,))).rows == 3
    assert query(users, "SELECT count(*) FROM old_lines WHERE order_id = 100") == [(2,)]
    assert graph_of(users, settings(waived=(relation,))).doubts == ()


def test_a_sample_of_a_large_table_is_bounded(users: str) -> None:
    run(
        users,
        "CREATE TABLE keyed (user_id int REFERENCES users)",
        "CREATE TABLE log (user_id int, line text)",
        "INSERT INTO log SELECT i % 1000, repeat('x', 100) FROM generate_series(1, 200000) i",
        "ANALYZE log",
    )
    statements: list[str] = []
    engine = make_engine(users)
    sa.event.listen(engine, "before_cursor_execute", lambda _, __, text, *___: statements.append(text))
    with engine.connect() as conn:
        catalog = read_catalog(conn)
        target = find_target(catalog, settings(), PREFIX)
        found = read_graph(catalog, target, settings(), Evidence(conn, catalog))
        (proof,) = [r.proof for r in (*found.relations, *found.refuted) if r.child.name == "log"]
        (sampling,) = [text for text in statements if "md5" in text]
        explained = conn.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sampling}").scalar_one()
    assert proof is not None
    assert proof.sampled == 200
    plan = explained[0]["Plan"]
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 1_000
    assert graph_of(users).refuted == found.refuted
