"""Which statements an older Postgres does not know."""

from __future__ import annotations

import pytest

from notifydb.sql.versions import requirements

NEEDED = {
    "ALTER TABLE p DETACH PARTITION q CONCURRENTLY": 14,
    "ALTER TABLE p DETACH PARTITION q FINALIZE": 14,
    "ALTER TABLE t ALTER a SET COMPRESSION pglz": 14,
    "CREATE TABLE t (a text COMPRESSION pglz)": 14,
    "CREATE TABLE t (a int4multirange)": 14,
    "CREATE OR REPLACE TRIGGER x BEFORE INSERT ON t EXECUTE FUNCTION f()": 14,
    "CREATE FUNCTION one() RETURNS integer RETURN 1": 14,
    "CREATE FUNCTION one() RETURNS integer BEGIN ATOMIC SELECT 1; END": 14,
    "CREATE STATISTICS s ON (a + b) FROM t": 14,
    "REINDEX (TABLESPACE x) TABLE t": 14,
    "SELECT date_bin('1 day', now(), now())": 14,
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION SELECT a FROM r) CYCLE a SET c USING p SELECT 1": 14,
    "CREATE UNIQUE INDEX ON t (a) NULLS NOT DISTINCT": 15,
    "ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (a)": 15,
    "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE": 15,
    "ALTER TABLE t SET ACCESS METHOD heap": 15,
    "CREATE VIEW v WITH (security_invoker) AS SELECT 1": 15,
    "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES u ON DELETE SET NULL (a)": 15,
    "GRANT SET ON PARAMETER work_mem TO r": 15,
    "CREATE PUBLICATION p FOR TABLE t (a)": 15,
    "SELECT regexp_like('a', 'b')": 15,
    "CREATE TABLE t (a text STORAGE plain)": 16,
    "COPY t FROM stdin (DEFAULT 'x')": 16,
    "SELECT JSON_ARRAY(1)": 16,
    "SELECT a IS JSON FROM t": 16,
    "ALTER TABLE t ALTER a SET EXPRESSION AS (b)": 17,
    "ALTER TABLE t SET ACCESS METHOD DEFAULT": 17,
    "MERGE INTO t USING u ON t.a = u.a WHEN NOT MATCHED BY SOURCE THEN DELETE": 17,
    "SELECT JSON_VALUE(a, '$') FROM t": 17,
    "GRANT MAINTAIN ON t TO r": 17,
    "COPY t FROM stdin (ON_ERROR ignore)": 17,
    "ALTER TABLE t ADD CONSTRAINT n NOT NULL a NOT VALID": 18,
    "CREATE TABLE t (a int, NOT NULL a)": 18,
    "ALTER TABLE t ADD a int GENERATED ALWAYS AS (b) VIRTUAL": 18,
    "ALTER TABLE t ADD a int GENERATED ALWAYS AS (b)": 18,
    "ALTER TABLE t ADD CHECK (a > 0) NOT ENFORCED": 18,
    "CREATE TABLE t (a int REFERENCES u NOT ENFORCED)": 18,
    "ALTER TABLE t ALTER CONSTRAINT c NOT ENFORCED": 18,
    "CREATE TABLE t (a int, b tstzrange, PRIMARY KEY (a, b WITHOUT OVERLAPS))": 18,
    "ALTER TABLE t ADD FOREIGN KEY (a, PERIOD b) REFERENCES u": 18,
    "ALTER TABLE t ADD a uuid DEFAULT uuidv7()": 18,
}


@pytest.mark.parametrize(("sql", "version"), NEEDED.items())
def test_new_syntax_is_known_by_its_version(sql: str, version: int) -> None:
    assert max(each.version for each in requirements(sql)) == version


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a int CONSTRAINT n NOT NULL, b text DEFAULT 'merge virtual')",
        "CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES u ON DELETE SET NULL, CHECK (a > 0), UNIQUE (b))",
        "ALTER TABLE t ADD a int GENERATED ALWAYS AS (b) STORED, ALTER c SET STORAGE plain",
        "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE OR REPLACE VIEW v WITH (security_barrier) AS SELECT DISTINCT a FROM t",
        "CREATE STATISTICS s ON a, b FROM t",
        "CREATE INDEX CONCURRENTLY i ON t (a) TABLESPACE x",
        "SELECT own.uuidv7(), gen_random_uuid(), a::jsonb FROM t",
        "ALTER TABLE t DETACH PARTITION q",
        "COPY t FROM stdin (FORMAT csv)",
        "GRANT SELECT ON t TO r",
        "CREATE PUBLICATION p FOR TABLE t",
        "ALTER TABLE t ALTER CONSTRAINT c DEFERRABLE",
    ],
)
def test_what_13_knows_needs_nothing(sql: str) -> None:
    assert requirements(sql) == ()
