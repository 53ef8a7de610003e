"""Relations of every shape: followed, proved or refuted by the values there are, decided, or refused."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa
from postgres.purge_support import PREFIX, address, dump, plan_of, purge, run, settings

from conftest import query
from notifydb import errors
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
    assert set(found.doubts) <= set(plan_of(users).warnings)


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


def test_relations_are_added_to_those_that_are_known(users: str) -> None:
    run(
        users,
        "CREATE TABLE one (ref int)", "CREATE TABLE two (ref int)",
        f"INSERT INTO one VALUES ({TEST}), ({REAL})", f"INSERT INTO two VALUES ({TEST}), ({REAL})",
    )  # fmt: skip
    chosen = settings(
        implicit=("one.ref -> users.id",), extend_implicit=("two.ref -> users.id", "two.reff -> users.id")
    )
    assert plan_of(users, chosen).blockers == ()
    given = dataclasses.replace(chosen, given=frozenset({"extend_implicit"}))
    found = plan_of(users, given)
    assert [*found.warnings, *found.blockers] == [
        "purge.extend_implicit: two.reff -> users.id is not in this database"
    ]
    assert purge(users, chosen).rows == 3
    assert query(users, "TABLE one UNION ALL TABLE two") == [(2,), (2,)]


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


def test_the_rows_of_a_partitioned_table_are_estimated_once(users: str) -> None:
    run(
        users,
        "CREATE TABLE parted (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100)",
        "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (1000)",
        "CREATE TABLE empty_parted (id int) PARTITION BY RANGE (id)",
        "INSERT INTO parted SELECT generate_series(0, 999)",
        "ANALYZE",
    )
    with make_engine(users).connect() as conn:
        tables = {str(name): table for name, table in read_catalog(conn).tables.items()}
    ((size,),) = query(
        users, "SELECT pg_total_relation_size('parted_1') + pg_total_relation_size('parted_2')"
    )
    assert (tables["parted"].rows, tables["parted"].bytes) == (1000, size)
    assert (tables["empty_parted"].rows, tables["empty_parted"].bytes) == (0, 0)


# -- what cannot be --


def test_tables_that_inherit_are_refused_where_they_matter(users: str) -> None:
    run(
        users,
        "CREATE TABLE base (id int PRIMARY KEY, user_id int REFERENCES users)",
        "CREATE TABLE heir () INHERITS (base)",
        "CREATE TABLE elsewhere (id int)",
        "CREATE TABLE elsewhere_heir () INHERITS (elsewhere)",
    )
    assert graph_of(users).unsupported == ("base: heir inherits from it, which is not supported",)


def test_tables_of_other_servers_are_refused_where_they_matter(users: str) -> None:
    run(
        users,
        "CREATE FOREIGN DATA WRAPPER nowhere",
        "CREATE SERVER away FOREIGN DATA WRAPPER nowhere",
        "CREATE TABLE log (user_id int REFERENCES users, at int) PARTITION BY RANGE (at)",
        "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10)",
        "CREATE FOREIGN TABLE audit (id int, user_id int) SERVER away",
        "CREATE FOREIGN TABLE weather (id int, degrees int) SERVER away",
    )
    said = "audit.user_id -> users.id"
    waive = "a foreign table is not supported; waive it if nothing there belongs to the purged rows"
    assert graph_of(users).unsupported == (f"{said}: {waive}",)
    waived = settings(waived=(said,))
    assert graph_of(users, waived).unsupported == ()
    assert [text for text in plan_of(users, waived).warnings if "audit" in text] == []
    run(users, "ALTER TABLE log DROP CONSTRAINT log_user_id_fkey",
        "CREATE FOREIGN TABLE log_2 PARTITION OF log FOR VALUES FROM (10) TO (20) SERVER away")  # fmt: skip
    followed = settings(implicit=("log.user_id -> users.id",), waived=(said,))
    assert graph_of(users, followed).unsupported == (
        "log: log_2 is a partition on another server, which is not supported",
    )


def test_reassign_is_for_one_plain_column_and_a_key_that_is_there(users: str) -> None:
    run(
        users,
        "CREATE TABLE pages (id int PRIMARY KEY, created_by_id int NOT NULL REFERENCES users)",
        "CREATE TABLE pairs (a int, b int, UNIQUE (a, b), user_id int REFERENCES users)",
        "CREATE TABLE of_pairs (a int, b int, FOREIGN KEY (a, b) REFERENCES pairs (a, b))",
        "CREATE TABLE logs (data jsonb)",
    )
    graph = graph_of(users, settings(policies=(f"pages.created_by_id=reassign:{REAL}",)))
    (made,) = [relation for relation in graph.relations if relation.child.name == "pages"]
    assert (made.policy, made.reassign_to, made.why) == (
        Policy.REASSIGN, str(REAL), f"purge.policies: reassign to {REAL}",
    )  # fmt: skip
    for policy, why in {
        "pages.created_by_id=reassign:99": "no row of users is '99'",
        "pages.created_by_id=reassign": "reassign is no policy",
        "pages.created_by_id=null:99": "null:99 is no policy",
        "of_pairs.a=reassign:1": "cannot be reassigned",
        "logs.data=reassign:1": "cannot be reassigned",
    }.items():
        given = settings(policies=(policy,), implicit=("logs.data->>'user_id' -> users.id",))
        with pytest.raises(errors.ConfigurationError, match=why):
            graph_of(users, given)


def test_what_somebody_did_is_given_to_another(users: str) -> None:
    run(
        users,
        "CREATE TABLE teams (id int PRIMARY KEY, user_id int REFERENCES users)",
        "CREATE TABLE pages (id int PRIMARY KEY, created_by_id int NOT NULL REFERENCES users, team_id text)",
        f"INSERT INTO teams VALUES (1, {TEST}), (2, {REAL})",
        f"INSERT INTO pages VALUES (1, {TEST}, '2'), (2, {REAL}, '1'), (3, {TEST}, NULL), (4, {TEST}, 'none')",
    )
    given = settings(
        implicit=("pages.team_id -> teams.id",),
        policies=(f"pages.created_by_id=reassign:{REAL}", "pages.team_id=reassign:2"),
    )
    assert purge(users, given).rows == 2
    assert query(users, "SELECT * FROM pages ORDER BY 1") == [
        (1, REAL, "2"), (2, REAL, "2"), (3, REAL, None), (4, REAL, "none"),
    ]  # fmt: skip


def test_nothing_is_given_to_a_row_that_goes_as_well(users: str) -> None:
    run(
        users,
        "CREATE TABLE pages (id int PRIMARY KEY, created_by_id int NOT NULL REFERENCES users)",
        f"INSERT INTO pages VALUES (1, {TEST})",
    )
    blocked = plan_of(users, settings(policies=(f"pages.created_by_id=reassign:{TEST}",))).blockers
    assert [text for text in blocked if "pages.created_by_id -> users.id" in text] == list(blocked) != []


def test_a_generated_column_cannot_let_go(users: str) -> None:
    run(
        users,
        "CREATE TABLE pages (id int PRIMARY KEY, by_user int,"
        " made_by int GENERATED ALWAYS AS (by_user) STORED REFERENCES users)",
        f"INSERT INTO pages VALUES (1, {TEST}), (2, {REAL})",
    )
    (blocker,) = plan_of(users, settings(policies=("pages.made_by=null",))).blockers
    assert blocker.startswith("pages.made_by -> users.id: 1 row cannot let go")


# -- shapes --


def test_a_key_that_is_partly_null_refers_to_nothing(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (x int, y int, user_id int REFERENCES users, UNIQUE (x, y))",
        "CREATE TABLE b (id int PRIMARY KEY, x int, y int, FOREIGN KEY (x, y) REFERENCES a (x, y))",
        f"INSERT INTO a VALUES (1, 1, {TEST}), (1, NULL, {TEST}), (NULL, NULL, {TEST}), (1, 2, {REAL})",
        "INSERT INTO b VALUES (1, 1, 1), (2, 1, NULL), (3, NULL, 1), (4, NULL, NULL), (5, 1, 2)",
    )
    assert purge(users).rows == 5
    assert query(users, "SELECT id FROM b ORDER BY 1") == [(2,), (3,), (4,), (5,)]


def test_a_key_to_another_unique_column_than_the_primary_key(users: str) -> None:
    run(
        users,
        "ALTER TABLE users ADD handle text UNIQUE",
        "UPDATE users SET handle = 'h' || id",
        "CREATE TABLE posts (id int PRIMARY KEY, author text REFERENCES users (handle), number int UNIQUE)",
        f"INSERT INTO posts VALUES (1, 'h{TEST}', 11), (2, 'h{REAL}', 12), (3, NULL, 13)",
        "CREATE TABLE replies (post int REFERENCES posts (number))",
        "INSERT INTO replies VALUES (11), (12), (NULL)",
    )
    assert purge(users).rows == 3
    assert query(users, "SELECT id FROM posts ORDER BY 1") == [(2,), (3,)]
    assert query(users, "SELECT post FROM replies ORDER BY 1") == [(12,), (None,)]


@pytest.mark.parametrize("clause", ["", "DEFERRABLE INITIALLY IMMEDIATE", "DEFERRABLE INITIALLY DEFERRED",
                                    "ON DELETE CASCADE", "ON UPDATE CASCADE ON DELETE RESTRICT"])  # fmt: skip
def test_a_ring_of_three_tables(users: str, clause: str) -> None:
    """a1 <- b1 <- c1 <- a2 <- b2 ... all hang on the first one; another ring of real rows stays."""
    run(
        users,
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users)",
        f"CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL REFERENCES a {clause})",
        f"CREATE TABLE c (id int PRIMARY KEY, b_id int NOT NULL REFERENCES b {clause})",
        f"ALTER TABLE a ADD c_id int REFERENCES c {clause}",
        f"INSERT INTO a SELECT i, CASE i WHEN 1 THEN {TEST} WHEN 11 THEN {REAL} END FROM generate_series(1, 20) i",
        "INSERT INTO b SELECT i, i FROM generate_series(1, 20) i",
        "INSERT INTO c SELECT i, i FROM generate_series(1, 20) i",
        "UPDATE a SET c_id = CASE WHEN id IN (1, 11) THEN id + 9 ELSE id - 1 END",
    )
    assert purge(users).rows == 31
    for table in "abc":
        assert query(users, f"SELECT min(id), count(*) FROM {table}") == [(11, 10)]


def test_keys_that_let_go_by_themselves(users: str) -> None:
    run(
        users,
        "CREATE TABLE a (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL)",
        f"CREATE TABLE b (id int PRIMARY KEY, user_id int DEFAULT {REAL} REFERENCES users ON DELETE SET DEFAULT)",
        "CREATE TABLE c (a_id int REFERENCES a ON DELETE CASCADE)",
        f"INSERT INTO a VALUES (1, {TEST}), (2, {REAL})",
        f"INSERT INTO b VALUES (1, {TEST}), (2, {REAL})",
        "INSERT INTO c VALUES (1), (2)",
    )
    assert purge(users).rows == 1
    assert query(users, "SELECT * FROM a ORDER BY 1") == [(1, None), (2, REAL)]
    assert query(users, "SELECT * FROM b ORDER BY 1") == [(1, REAL), (2, REAL)]
    assert query(users, "SELECT * FROM c ORDER BY 1") == [(1,), (2,)]


def test_partitioned_parents_and_children_in_several_schemas(users: str) -> None:
    run(
        users,
        "CREATE SCHEMA app",
        "CREATE TABLE app.events (id int, day int, user_id int REFERENCES users, PRIMARY KEY (id, day))"
        " PARTITION BY RANGE (day)",
        "CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM (0) TO (10) PARTITION BY HASH (id)",
        "CREATE TABLE app.events_1a PARTITION OF app.events_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
        "CREATE TABLE app.events_1b PARTITION OF app.events_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
        "CREATE TABLE app.events_rest PARTITION OF app.events DEFAULT",
        "CREATE TABLE details (event int, day int, FOREIGN KEY (event, day) REFERENCES app.events)"
        " PARTITION BY LIST (day)",
        "CREATE TABLE details_odd PARTITION OF details FOR VALUES IN (1, 3, 5, 7, 9, 11)",
        "CREATE TABLE details_rest PARTITION OF details DEFAULT",
        f"INSERT INTO app.events SELECT i, i, CASE WHEN i < 12 THEN {TEST} ELSE {REAL} END"
        " FROM generate_series(0, 19) i",
        "INSERT INTO details SELECT i, i FROM generate_series(0, 19) i",
    )
    assert purge(users).rows == 25
    assert query(users, "SELECT min(event), count(*) FROM details") == [(12, 8)]
    assert query(users, "SELECT min(id), count(*) FROM app.events") == [(12, 8)]


def test_link_tables_without_a_primary_key(users: str) -> None:
    run(
        users,
        "CREATE TABLE tags (id int PRIMARY KEY)",
        "CREATE TABLE tagged (user_id int REFERENCES users, tag_id int REFERENCES tags)",
        "INSERT INTO tags VALUES (1), (2)",
        f"INSERT INTO tagged VALUES ({TEST}, 1), ({TEST}, 1), ({TEST}, 2), ({REAL}, 1), (NULL, 1)",
    )
    assert purge(users).rows == 4
    assert query(users, "SELECT * FROM tagged ORDER BY 1") == [(REAL, 1), (None, 1)]
    assert query(users, "SELECT count(*) FROM tags") == [(2,)]


#: A text that does not tell case apart, with an order of its own, as the extension citext makes it.
CASELESS = (
    "CREATE TYPE ci",
    "CREATE FUNCTION ci_in(cstring) RETURNS ci IMMUTABLE STRICT LANGUAGE internal AS 'textin'",
    "CREATE FUNCTION ci_out(ci) RETURNS cstring IMMUTABLE STRICT LANGUAGE internal AS 'textout'",
    "CREATE TYPE ci (INPUT = ci_in, OUTPUT = ci_out, LIKE = text, COLLATABLE = true)",
    "CREATE CAST (ci AS text) WITHOUT FUNCTION AS IMPLICIT",
    """CREATE FUNCTION ci_cmp(ci, ci) RETURNS int IMMUTABLE STRICT LANGUAGE sql
       AS 'SELECT bttextcmp(lower($1::text), lower($2::text))'""",
    *(
        f"CREATE FUNCTION ci_{name}(ci, ci) RETURNS bool IMMUTABLE STRICT LANGUAGE sql"
        f" AS 'SELECT lower($1::text) {operator} lower($2::text)';"
        f"CREATE OPERATOR {operator} (LEFTARG = ci, RIGHTARG = ci, FUNCTION = ci_{name})"
        for name, operator in {"lt": "<", "le": "<=", "eq": "=", "ge": ">=", "gt": ">"}.items()
    ),
    """CREATE OPERATOR CLASS ci_ops DEFAULT FOR TYPE ci USING btree AS OPERATOR 1 <, OPERATOR 2 <=,
       OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 ci_cmp(ci, ci)""",
)


def test_domains_and_texts_that_differ_in_case(database: str) -> None:
    """Keys that the server takes as equal although they are written otherwise."""
    run(
        database,
        *CASELESS,
        "CREATE DOMAIN handle AS ci CHECK (VALUE::text <> '')",
        "CREATE DOMAIN small AS int CHECK (VALUE < 1000)",
        "CREATE TABLE users (id handle PRIMARY KEY, email_address ci NOT NULL)",
        f"INSERT INTO users VALUES ('Tester', '{address()}'), ('Person', 'person@example.gov')",
        "CREATE TABLE a (id small PRIMARY KEY, owner handle REFERENCES users)",
        "INSERT INTO a VALUES (1, 'TESTER'), (2, 'tester'), (3, 'PERSON')",
        "CREATE TABLE b (a_id int REFERENCES a)",
        "INSERT INTO b VALUES (1), (2), (3)",
    )
    assert purge(database).rows == 5
    assert query(database, "SELECT id FROM a") == [(3,)]
    assert query(database, "SELECT a_id FROM b") == [(3,)]


@pytest.mark.parametrize("type_", ["json", "jsonb"])
def test_keys_inside_of_json(users: str, type_: str) -> None:
    run(
        users,
        f"CREATE TABLE events (id int, data {type_})",
        f"""INSERT INTO events VALUES
            (1, '{{"user_id": {TEST}}}'), (2, '{{"user_id": "{TEST}"}}'), (3, '{{"user_id": {REAL}}}'),
            (4, '{{"by": {{"it''s": {TEST}}}}}'), (5, '{{"by": {{"it''s": {REAL}}}}}'), (6, '{{"by": {TEST}}}'),
            (7, '[]'), (8, 'null'), (9, NULL), (10, '{{"user_id": null}}'), (11, '{{"user_id": [1]}}')""",
    )
    given = settings(
        implicit=("events.data->>'user_id' -> users.id", "events.data->'by'->>'it''s' -> users.id"),
        waived=(),
    )
    assert [str(r) for r in graph_of(users, given).relations] == list(given.implicit)
    assert purge(users, given).rows == 4
    assert query(users, "SELECT id FROM events ORDER BY 1") == [
        (3,), (5,), (6,), (7,), (8,), (9,), (10,), (11,),
    ]  # fmt: skip


ODD = '"Od:d %s"."we""ird.:t"'


def test_odd_names_in_the_database_and_in_the_settings(users: str) -> None:
    run(
        users,
        'CREATE SCHEMA "Od:d %s"',
        f'CREATE TABLE {ODD} ("Key:" int PRIMARY KEY, "user %s" int, "Made By" int)',
        f"INSERT INTO {ODD} VALUES (1, {TEST}, {TEST}), (2, {REAL}, {REAL}), (3, NULL, {REAL})",
        'CREATE TABLE "Lines" ("No%" int, "Key:" int, "$a" int)',
        'INSERT INTO "Lines" VALUES (1, 1, 1), (2, 2, 2)',
    )
    given = settings(
        implicit=(
            f'{ODD}."user %s" -> users.id',
            f'{ODD}."Made By" -> users.id',
            f'Lines."Key:" -> {ODD}."Key:"',
        ),
        actors=("Made*",),
        policies=("Lines.$a=leave",),
        waived=(),
    )
    graph = graph_of(users, given)
    assert [str(r) for r in graph.relations] == list(given.implicit)
    assert graph.unknown == ()
    assert [r.policy for r in graph.relations] == [Policy.FOLLOW, Policy.REFUSE, Policy.FOLLOW]
    assert purge(users, given).rows == 3
    after = dump(users)
    assert sorted(after[ODD]) == ["(2,2,2)", "(3,,2)"]
    assert sorted(after['"Lines"']) == ["(2,2,2)"]
