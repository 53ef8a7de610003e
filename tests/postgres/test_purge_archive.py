"""What a purge has archived comes back as it was; where it cannot, nothing comes back and the reason is told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from postgres.purge_support import (
    PREFIX,
    address,
    database_of,
    dump,
    permit_for,
    plan_of,
    purge,
    put_back,
    run,
    settings,
)

from conftest import query
from notifydb import errors
from notifydb.postgres import ledger
from notifydb.postgres.connect import make_engine
from notifydb.purge.archive import MANIFEST
from notifydb.purge.events import Event, Restored
from notifydb.purge.execute import How, execute

TEST, REAL = 1, 2
USERS = (
    "CREATE TABLE users (id int PRIMARY KEY, email_address text NOT NULL)",
    f"INSERT INTO users VALUES ({TEST}, '{address()}'), ({REAL}, 'person@example.gov')",
)
OWNED = (
    "CREATE TABLE a (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users)",
    "INSERT INTO a SELECT n, 1 + n % 2 FROM generate_series(1, 20) n",
)
#: What is stored of a value, whatever the session shows of it.
FLOATS = "SELECT id, encode(float4send(f4), 'hex'), encode(float8send(f8), 'hex') FROM everything ORDER BY 1"
JOURNAL = "SELECT state, rows, archive IS NOT NULL FROM notifydb.purge ORDER BY started_at"
SEGMENTS = "SELECT relation, rows FROM notifydb.purge_segment ORDER BY segment"


@pytest.fixture
def users(database: str) -> str:
    """A database with one test user and one real user."""
    run(database, *USERS)
    return database


VALUES = {
    "flag": ("boolean", ["true", "NULL"]),
    "whole": ("bigint", ["-9223372036854775808"]),
    "exact": ("numeric", ["'NaN'", "'-Infinity'", "1e-30", "12345678901234567890.0123456789"]),
    "f4": ("real", ["'NaN'", "1e-40", "0.1", "'-0'"]),
    "f8": ("double precision", ["'Infinity'", "0.1::float8 + 0.2", "5e-324", "'-0'"]),
    "words": ("text", [r"E'\t\n\r\\ \\. \\N \b\f\v'", "''", r"E'\\.'", r"E'\\N'", "'é🎉\u202e'", "NULL"]),
    "padded": ("char(5)", ["'ab'"]),
    "bytes": ("bytea", [r"'\x00ff5c0a'", r"''"]),
    "moment": ("timestamptz", ["'infinity'", "'2026-03-29 01:59:59.999999+13:45'", "'4713-01-02 BC'"]),
    "clock": ("timestamp", ["'-infinity'", "'2026-10-25 02:30'", "'12-11-10'"]),
    "day": ("date", ["'2026-02-03'", "'infinity'"]),
    "daytime": ("timetz", ["'24:00:00-12:59'"]),
    "span": ("interval", ["'-1 mon +2 days -03:04:05.6'", "'1 year'"]),
    "money_": ("money", ["-1234567.89"]),
    "net": ("inet", ["'10.1.2.3/8'", "'::1'"]),
    "mac": ("macaddr8", ["'08:00:2b:01:02:03:04:05'"]),
    "key": ("uuid", ["gen_random_uuid()"]),
    "loose": ("json", [""" '{"b": 1,  "a": "\\u00e9\\n", "b": 2}' """]),
    "tight": ("jsonb", ["""'{"b": [1e300, null, "x\\ty"]}'"""]),
    "many": ("text[]", [r"""ARRAY[['a,b', 'c"d'], [E'e\\f', NULL]]""", "'{}'", "'[2:3]={x,y}'"]),
    "ranged": ("tstzrange", ["'[2026-01-01,)'", "'empty'"]),
    "several": ("int4multirange", ["'{[1,3), [5,9)}'"]),
    "mood": ("mood", ["'so so'"]),
    "moods": ("mood[]", ["'{so so,\"it''s\"}'"]),
    "pair": ("pair", [r"""ROW(E'a,"(\n', NULL)"""]),
    "pairs": ("pair[]", ["ARRAY[ROW('x', 1), ROW(NULL, 2)]::pair[]"]),
    "positive": ("positive", ["7"]),
    "bits": ("bit varying", ["B'0101'"]),
    "point_": ("point", ["'(0.1,1e300)'"]),
    "document": ("tsvector", ["'fat:2 cat:3'"]),
}  # fmt: skip


@pytest.mark.parametrize("session", ["plain", "peculiar"])
def test_values_of_every_type_come_back_to_the_bit(users: str, session: str, tmp_path: Path) -> None:
    if session == "peculiar":
        for name, value in {
            "datestyle": "'SQL, DMY'", "timezone": "'Pacific/Chatham'", "intervalstyle": "sql_standard",
            "bytea_output": "escape", "extra_float_digits": "-10", "search_path": "elsewhere",
            "standard_conforming_strings": "off", "array_nulls": "off", "xmloption": "document",
        }.items():  # fmt: skip
            run(users, f"ALTER DATABASE {database_of(users)} SET {name} = {value}")
    columns = ", ".join(f"{name} {type_}" for name, (type_, _) in VALUES.items())
    longest = max(len(values) for _, values in VALUES.values())
    rows = [
        ", ".join(f"CAST({values[number % len(values)]} AS {type_})" for type_, values in VALUES.values())
        for number in range(longest)
    ]
    run(
        users,
        # As it is written here.
        "SET search_path = public",
        "SET standard_conforming_strings = on",
        "CREATE SCHEMA elsewhere",
        "CREATE TABLE elsewhere.everything (id int)",
        "CREATE TYPE mood AS ENUM ('so so', 'it''s')",
        "CREATE TYPE pair AS (a text, b int)",
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        f"CREATE TABLE everything (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES users,"
        f" double int GENERATED ALWAYS AS (user_id * 2) STORED, {columns})",
        *(
            f"INSERT INTO everything (user_id, {', '.join(VALUES)}) SELECT {user}, {row}"
            for row in rows
            for user in (TEST, REAL)
        ),
    )
    floats = FLOATS.replace("everything", "public.everything")
    before, bits = dump(users), query(users, floats)
    purged = purge(users, archive=tmp_path)
    assert purged.rows == longest + 1
    assert query(users, floats) == [row for row in bits if row[0] in range(2, 2 * longest + 1, 2)]
    put_back(users, purged.archive)
    assert dump(users) == before
    assert query(users, floats) == bits


def test_the_text_is_the_same_whatever_a_client_of_the_database_reads(users: str, tmp_path: Path) -> None:
    run(
        users,
        "CREATE TABLE a (user_id int REFERENCES users, words text)",
        f"INSERT INTO a VALUES ({TEST}, 'é🎉')",
    )
    before = dump(users)
    run(users, f"ALTER DATABASE {database_of(users)} SET client_encoding = LATIN1")
    purged = purge(users, archive=tmp_path)
    run(users, f"ALTER DATABASE {database_of(users)} RESET client_encoding")
    put_back(users, purged.archive)
    assert dump(users) == before


SHAPES: Mapping[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "a partitioned table": (
        (
            "CREATE TABLE log (user_id int REFERENCES users, at int) PARTITION BY RANGE (at)",
            "CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (10)",
            "CREATE TABLE log_2 (at int, gone int, user_id int)",
            "ALTER TABLE log_2 DROP COLUMN gone",
            "ALTER TABLE log ATTACH PARTITION log_2 DEFAULT",
            "INSERT INTO log SELECT 1 + i % 2, i FROM generate_series(0, 19) i",
        ),
        {},
    ),
    "a row that refers to one of its table": (
        (
            "CREATE TABLE folders (id int PRIMARY KEY, user_id int REFERENCES users, parent int REFERENCES folders)",
            f"INSERT INTO folders SELECT i, {TEST}, nullif(i, 9) + 1 FROM generate_series(9, 1, -1) i",
            f"INSERT INTO folders VALUES (20, {REAL}, 20)",
        ),
        {},
    ),
    "rings over two tables, by keys that are not null": (
        (
            "CREATE TABLE x (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES users, y int)",
            "CREATE TABLE y (id int PRIMARY KEY, x int NOT NULL REFERENCES x)",
            "ALTER TABLE x ADD FOREIGN KEY (y) REFERENCES y",
            f"INSERT INTO x (user_id) VALUES ({TEST}), ({REAL}), (NULL), (NULL)",
            "INSERT INTO y VALUES (1, 1), (2, 2), (3, 3)",
            "UPDATE x SET y = CASE id WHEN 1 THEN 3 WHEN 2 THEN 2 WHEN 3 THEN 1 END",
            "ALTER TABLE x ADD CHECK (y IS NOT NULL) NOT VALID",
            "DELETE FROM x WHERE id = 4",
        ),
        {},
    ),
    "two rings that have nothing to do with each other": (
        (
            "CREATE TABLE a (id int PRIMARY KEY, b int, user_id int REFERENCES users)",
            "CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a)",
            "ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b",
            "CREATE TABLE c (id int PRIMARY KEY, d int, user_id int REFERENCES users)",
            "CREATE TABLE d (id int PRIMARY KEY, c int REFERENCES c)",
            "ALTER TABLE c ADD FOREIGN KEY (d) REFERENCES d",
            f"INSERT INTO a VALUES (1, NULL, {TEST})",
            f"INSERT INTO c VALUES (1, NULL, {TEST})",
            "INSERT INTO b VALUES (1, 1)",
            "INSERT INTO d VALUES (1, 1)",
        ),
        {},
    ),
    "rows that are all alike, without any key": (
        (
            "CREATE TABLE clicks (user_id int REFERENCES users, page text)",
            "INSERT INTO clicks SELECT 1 + i % 2, 'start' FROM generate_series(1, 20) i",
        ),
        {},
    ),
    "rows that let go": (
        (
            "CREATE TABLE notes (id int PRIMARY KEY, made_by int REFERENCES users, seen_by int REFERENCES users)",
            f"INSERT INTO notes VALUES (1, {TEST}, {TEST}), (2, {REAL}, {TEST}), (3, {TEST}, {REAL}), (4, NULL, NULL)",
        ),
        {"policies": ("notes.made_by=null", f"notes.seen_by=reassign:{REAL}")},
    ),
    "rows that the server lets go of": (
        (
            "CREATE TABLE notes (id int PRIMARY KEY, user_id int REFERENCES users ON DELETE SET NULL)",
            "CREATE TABLE tags (id int PRIMARY KEY, user_id int DEFAULT 2 REFERENCES users ON DELETE SET DEFAULT)",
            f"INSERT INTO notes VALUES (1, {TEST}), (2, {REAL}), (3, NULL)",
            f"INSERT INTO tags VALUES (1, {TEST}), (2, {REAL}), (3, NULL)",
        ),
        {},
    ),
    "rows without a key that let go": (
        (
            "CREATE TABLE notes (made_by int REFERENCES users, words text)",
            f"INSERT INTO notes VALUES ({TEST}, 'a'), ({TEST}, 'a'), (NULL, 'a'), ({REAL}, 'a'), ({TEST}, NULL)",
        ),
        {"policies": ("notes.made_by=null",)},
    ),
    "rows without a key that let go, with columns named like those of a query": (
        (
            "CREATE TABLE notes (made_by int REFERENCES users, _place int, _part text, _turn int)",
            "ALTER TABLE notes ADD turn int, ADD k0 int, ADD v0 text, ADD t int, ADD s int, ADD x int, ADD a int",
            f"INSERT INTO notes (made_by, _turn) VALUES ({TEST}, 1), ({TEST}, 1), (NULL, 1), ({REAL}, 2)",
        ),
        {"policies": ("notes.made_by=null",)},
    ),
    "names that need care": (
        (
            'CREATE SCHEMA "Od:d %s"',
            'CREATE TABLE "Od:d %s"."we""ird :t" (tenant int, "no:" int, "%(x)s" int REFERENCES users)',
            'ALTER TABLE "Od:d %s"."we""ird :t" ADD ":by" int REFERENCES users, ADD UNIQUE (tenant, "no:")',
            "CREATE TABLE lines (tenant int, doc int)",
            'ALTER TABLE lines ADD FOREIGN KEY (tenant, doc) REFERENCES "Od:d %s"."we""ird :t" (tenant, "no:")',
            'INSERT INTO "Od:d %s"."we""ird :t" VALUES (1, 1, 1, NULL), (1, 2, 2, 1), (2, 1, 2, NULL)',
            "INSERT INTO lines VALUES (1, 1), (1, 2), (2, 1), (1, NULL), (NULL, 1)",
        ),
        {"policies": ('"Od:d %s"."we""ird :t".":by"=null',)},
    ),
    "a trigger on insert that is switched off": (
        (
            *OWNED,
            "CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM a; RETURN NEW; END $$",
            "CREATE TRIGGER t AFTER INSERT ON a FOR EACH ROW EXECUTE FUNCTION more()",
            "ALTER TABLE a DISABLE TRIGGER t",
        ),
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("above", [5_000, 0], ids=["at once", "in batches"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_purged_comes_back(users: str, shape: str, above: int, tmp_path: Path) -> None:
    statements, changes = SHAPES[shape]
    run(users, *statements)
    before = dump(users)
    purged = purge(users, settings(batch_above=above, batch_rows=3, **changes), archive=tmp_path)
    without = dump(users)
    assert without != before
    rehearsed = put_back(users, purged.archive, dry_run=True)
    assert (rehearsed.dry_run, dump(users)) == (True, without)
    told: list[Event] = []
    restored = put_back(users, purged.archive, listen=told.append)
    assert dump(users) == before
    assert (restored.rows, dict(restored.tables)) == (purged.rows, dict(purged.tables))
    assert sum(rows for _, rows in restored.values) == sum(rows for _, rows in purged.detached)
    assert (rehearsed.tables, rehearsed.values) == (restored.tables, restored.values)
    assert {str(event.table) for event in told if isinstance(event, Restored)} == {
        name for name, _ in (*restored.tables, *restored.values)
    }


def test_the_archive_is_what_the_page_says(users: str, tmp_path: Path) -> None:
    """Read with nothing of notifydb's: gzip members of COPY's text."""
    run(users, *OWNED)
    purged = purge(users, archive=tmp_path)
    assert purged.archive is not None
    header, *documents = map(json.loads, (purged.archive / MANIFEST).read_text().splitlines())
    assert {header[name] for name in ("database", "prefix", "plan")} == {
        database_of(users), PREFIX, purged.plan_id,
    }  # fmt: skip
    first = documents[0]
    assert (first["kind"], first["schema"], first["table"], first["columns"], first["rows"]) == (
        "rows", "public", "a", ["id", "user_id"], 10,
    )  # fmt: skip
    with (purged.archive / first["file"]).open("rb") as stream:
        stream.seek(first["offset"])
        text = gzip.decompress(stream.read(first["length"]))
    assert sorted(text.splitlines()) == sorted(b"%d\t1" % number for number in range(2, 21, 2))
    assert documents[-2:] == [
        {"committed": [1, 2], "check": documents[-2]["check"]},
        {"finished": True, "rows": 11, "check": documents[-1]["check"]},
    ]


def test_journal_and_history_tell_of_both(users: str, tmp_path: Path) -> None:
    run(users, *OWNED)
    purged = purge(users, archive=tmp_path)
    assert purged.archive is not None
    assert query(users, JOURNAL) == [("done", 11, True)]
    assert query(users, SEGMENTS) == [("a", 10), ("users", 1)]
    restored = put_back(users, purged.archive)
    assert query(users, JOURNAL) == [("restored", 11, True)]
    with make_engine(users).connect() as conn:
        entries = {entry.operation: entry for entry in ledger.read_history(conn)}
    assert {entry.outcome for entry in entries.values()} == {"done"}
    assert entries["purge"].details["archive"] == str(purged.archive)
    assert entries["restore"].details == {
        "purges": [entries["purge"].details["purge"]], "rows": 11, "tables": {"users": 1, "a": 10}, "values": {},
    }  # fmt: skip
    assert restored.purges == (entries["purge"].details["purge"],)


def test_a_purge_without_an_archive_leaves_no_folder(users: str) -> None:
    run(users, *OWNED)
    plan = plan_of(users)
    done = execute(users, permit_for(database_of(users)), plan, How(None))
    assert (done.rows, done.archive) == (11, None)
    assert query(users, JOURNAL) == [("done", 11, False)]
    assert query(users, SEGMENTS) == []


def test_a_purge_that_is_rolled_back_leaves_no_folder(users: str, tmp_path: Path) -> None:
    run(users, "CREATE TABLE a (id int, user_id int REFERENCES users)", f"INSERT INTO a VALUES (1, {TEST})",
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM a; RETURN NULL; END $$",
        "CREATE TRIGGER t AFTER DELETE ON users EXECUTE FUNCTION f()",
        "INSERT INTO a VALUES (2, NULL)")  # fmt: skip
    with pytest.raises(errors.ProofFailed, match="a: 0 inserted, 0 updated, 2 deleted instead of 0, 0 and 1"):
        purge(users, archive=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert query(users, JOURNAL) == []
