"""A whole database as text: rows, sequences and structure."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from typing import Final

from purge_check.catalog import OWN_SCHEMAS, connect
from purge_check.schema import Schema

_SEQUENCES: Final = f"""
    SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'S' AND {OWN_SCHEMAS} ORDER BY 1
"""
_STRUCTURE: Final = f"""
    SELECT pg_get_indexdef(c.oid) || (SELECT (indisvalid, indisready)::text FROM pg_index WHERE indexrelid = c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'i' AND {OWN_SCHEMAS}
    UNION ALL SELECT (k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid), k.convalidated)::text
    FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace WHERE {OWN_SCHEMAS}
    UNION ALL SELECT (t.tgrelid::regclass, t.tgname, t.tgenabled)::text
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {OWN_SCHEMAS} AND NOT t.tgisinternal
    UNION ALL SELECT (c.oid::regclass, c.relkind, c.relpersistence, c.reloptions, c.relacl)::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OWN_SCHEMAS}
    UNION ALL SELECT (a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attnotnull)::text
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {OWN_SCHEMAS} AND a.attnum > 0
"""


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """`rows` of each table, `sequences` with their value, and all else that `structure` lists."""

    rows: dict[str, Counter[str]]
    sequences: dict[str, str]
    structure: Counter[str]


def read_state(url: str, schema: Schema) -> State:
    """Everything outside of the command's own schema, in one snapshot."""
    with connect(url) as conn, conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        rows = {
            table: Counter(text for (text,) in conn.execute(f"SELECT t::text FROM {table} t"))
            for table in schema.tables
        }
        names = [name for (name,) in conn.execute(_SEQUENCES)]
        sequences = {
            name: str(conn.execute(f"SELECT last_value, is_called FROM {name}").fetchone()) for name in names
        }
        return State(rows, sequences, Counter(text for (text,) in conn.execute(_STRUCTURE)))


def differences(expected: State, found: State) -> Iterator[str]:
    """What is missing and what is too much, a line for each table."""
    for table, rows in expected.rows.items():
        yield from _difference(table, rows, found.rows[table])
    yield from _difference("structure", expected.structure, found.structure)
    for name, value in expected.sequences.items():
        if found.sequences.get(name) != value:
            yield f"sequence {name}: {found.sequences.get(name)} instead of {value}"


def _difference(name: str, expected: Counter[str], found: Counter[str]) -> Iterator[str]:
    missing, surplus = expected - found, found - expected
    if missing:
        yield f"{name}: {missing.total()} missing, as {next(iter(missing))}"
    if surplus:
        yield f"{name}: {surplus.total()} too much, as {next(iter(surplus))}"
