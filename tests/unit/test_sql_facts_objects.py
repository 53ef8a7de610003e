"""What a statement says about types, functions, sequences, triggers, policies and privileges."""

from __future__ import annotations

import pytest

from notifydb.sql import facts
from notifydb.sql.facts import Relation, TypeName
from notifydb.sql.parse import parse

T = Relation("t")
X = Relation("x")
INT = TypeName("int4")

CASES: dict[str, tuple[facts.Fact, ...]] = {
    "CREATE TYPE s.x AS ENUM ('a', 'b')": (
        facts.CreateObject("type", Relation("x", "s"), labels=("a", "b")),
    ),
    "CREATE TYPE x AS (a int)": (facts.CreateObject("type", X),),
    "CREATE TYPE x AS RANGE (subtype = int4)": (facts.CreateObject("type", X),),
    "CREATE DOMAIN x AS int": (facts.CreateObject("domain", X),),
    "CREATE SEQUENCE x": (facts.CreateObject("sequence", X),),
    "CREATE EXTENSION IF NOT EXISTS x": (facts.CreateObject("extension", X),),
    "CREATE SCHEMA x": (facts.CreateObject("schema", X),),
    "CREATE POLICY x ON t USING (true)": (facts.CreateObject("policy", X, T),),
    "CREATE OR REPLACE RULE x AS ON INSERT TO t DO NOTHING": (
        facts.CreateObject("rule", X, T, replace=True),
    ),
    "CREATE OR REPLACE FUNCTION x(a int, OUT b text, c text[]) LANGUAGE sql AS ''": (
        facts.CreateObject("function", X, arguments=(INT, TypeName("text", array=True)), replace=True),
    ),
    "CREATE PROCEDURE x() LANGUAGE sql AS ''": (facts.CreateObject("procedure", X, arguments=()),),
    "DROP FUNCTION IF EXISTS s.x(int), y CASCADE": (
        facts.DropObject("function", Relation("x", "s"), arguments=(INT,), if_exists=True, cascade=True),
        facts.DropObject("function", Relation("y"), if_exists=True, cascade=True),
    ),
    "DROP AGGREGATE x(int)": (facts.DropObject("aggregate", X, arguments=(INT,)),),
    "DROP VIEW x, s.y": (facts.DropObject("view", X), facts.DropObject("view", Relation("y", "s"))),
    "DROP MATERIALIZED VIEW x": (facts.DropObject("materialized view", X, X),),
    "DROP TYPE s.x": (facts.DropObject("type", Relation("x", "s")),),
    "DROP DOMAIN x": (facts.DropObject("domain", X),),
    "DROP SEQUENCE x": (facts.DropObject("sequence", X),),
    "DROP EXTENSION x CASCADE": (facts.DropObject("extension", X, cascade=True),),
    "DROP SCHEMA x": (facts.DropObject("schema", X),),
    "DROP TRIGGER x ON s.t": (facts.DropObject("trigger", X, Relation("t", "s")),),
    "DROP POLICY IF EXISTS x ON t": (facts.DropObject("policy", X, T, if_exists=True),),
    "DROP RULE x ON t": (facts.DropObject("rule", X, T),),
    "DROP OPERATOR + (int, int)": (facts.Other("drop_stmt"),),
    "DROP CAST (int AS text)": (facts.Other("drop_stmt"),),
    "ALTER TYPE s.x RENAME TO y": (facts.RenameObject("type", Relation("x", "s"), "y"),),
    "ALTER TYPE x SET SCHEMA s": (facts.RenameObject("type", X, "x", "s"),),
    "ALTER TYPE x RENAME VALUE 'a' TO 'b'": (facts.RenameObject("enum value", X, "b", value="a"),),
    "ALTER SCHEMA x RENAME TO y": (facts.RenameObject("schema", X, "y"),),
    "ALTER FUNCTION x(int) RENAME TO y": (facts.RenameObject("function", X, "y"),),
    "ALTER SEQUENCE s.x RENAME TO y": (facts.RenameObject("sequence", Relation("x", "s"), "y"),),
    "ALTER SEQUENCE x SET SCHEMA s": (facts.RenameObject("sequence", X, "x", "s"),),
    "ALTER VIEW x RENAME TO y": (facts.RenameTable(X, "y"),),
    "ALTER TRIGGER x ON t RENAME TO y": (facts.Other("rename_stmt"),),
    "ALTER TABLE t RENAME CONSTRAINT x TO y": (facts.Other("rename_stmt"),),
    "ALTER ROLE x RENAME TO y": (facts.Other("rename_stmt"),),
    "ALTER TYPE x ADD ATTRIBUTE a int": (facts.AlterObject("type", X, "AddColumn"),),
    "ALTER TYPE x RENAME ATTRIBUTE a TO b": (facts.AlterObject("type", X, "RenameAttribute"),),
    "ALTER VIEW x SET (security_barrier)": (facts.AlterObject("view", X, "SetRelOptions"),),
    "ALTER FUNCTION x() STABLE": (facts.AlterObject("function", X, "volatility"),),
    "ALTER EXTENSION x UPDATE": (facts.AlterObject("extension", X, "UPDATE"),),
    "ALTER POLICY x ON t USING (true)": (facts.AlterObject("policy", X, relation=T),),
    "ALTER TYPE x ADD VALUE 'b' AFTER 'a'": (facts.AddEnumValue("x", "b", ordered=True),),
    "ALTER SEQUENCE x RESTART WITH 5": (facts.SetSequence(5, X),),
    "ALTER SEQUENCE x RESTART": (facts.SetSequence(1, X),),
    "ALTER SEQUENCE x OWNED BY t.a": (facts.Other("alter_seq_stmt"),),
    "SELECT setval('s.x', 5)": (facts.SetSequence(5, Relation("x", "s")), facts.Query(("setval",))),
    "SELECT setval(pg_get_serial_sequence('t', 'a'), max(a)) FROM t": (
        facts.SetSequence(None, relation=T, column="a"),
        facts.Query(("setval", "pg_get_serial_sequence", "max")),
    ),
    "SELECT setval(s, 1), setval(1)": (facts.SetSequence(1), facts.Query(("setval",))),
    "REVOKE SELECT, INSERT ON t, s.x FROM a, PUBLIC": (
        facts.Revoke("table", (T, Relation("x", "s")), ("SELECT", "INSERT"), ("a", "PUBLIC")),
    ),
    "REVOKE ALL ON ALL TABLES IN SCHEMA x FROM a": (facts.Revoke("tables in schema", (X,), (), ("a",)),),
    "REVOKE EXECUTE ON FUNCTION x(int) FROM CURRENT_USER": (
        facts.Revoke("function", (X,), ("EXECUTE",), ("CURRENT",)),
    ),
    "REVOKE SELECT ON LARGE OBJECT 5 FROM a": (
        facts.Revoke("large object", (Relation("5"),), ("SELECT",), ("a",)),
    ),
    "REVOKE SET ON PARAMETER x FROM a": (facts.Revoke("parameter", (X,), ("SET",), ("a",)),),
    "REVOKE x FROM a": (facts.Revoke("role", (X,), (), ("a",)),),
    "GRANT SELECT ON t TO a": (facts.Other("grant_stmt"),),
    "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM a": (facts.Other("alter_default_privileges_stmt"),),
}


@pytest.mark.parametrize("sql", CASES)
def test_facts(sql: str) -> None:
    (statement,) = parse(sql)
    assert statement.facts == CASES[sql]
