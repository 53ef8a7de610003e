"""Random schemas with random rows: what the purge deletes is what a row-by-row walk finds."""

from __future__ import annotations

import dataclasses
import random

import pytest
from postgres.purge_support import address, execute_on, plan_of, run

from conftest import query
from notifydb import errors

USERS, ROWS = 4, 12
Rows = dict[str, dict[int, dict[str, int | None]]]


@dataclasses.dataclass(frozen=True)
class Key:
    """`child.column` refers to `parent`; composite when `tenant` is part of it."""

    child: str
    column: str
    parent: str
    owns: bool
    clause: str
    composite: bool

    def refers(self, row: dict[str, int | None], parent: dict[str, int | None]) -> bool:
        same_tenant = not self.composite or row["tenant"] == parent["tenant"]
        return row[self.column] == parent["id"] and same_tenant


def random_keys(rng: random.Random, tables: list[str]) -> list[Key]:
    keys = []
    for child in tables[1:]:
        for number in range(rng.randint(1, 3)):
            parent, kind = rng.choice(tables), rng.choice(["owner", "owner", "owner", "actor", "null"])
            composite = parent != "users" and kind != "null" and rng.random() < 0.3
            column = f"k{number}_by_id" if kind == "actor" else f"k{number}"
            action = "ON DELETE SET NULL" if kind == "null" else rng.choice(["", "ON DELETE CASCADE"])
            deferred = (
                "" if kind == "null" else rng.choice(["", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED"])
            )
            keys.append(Key(child, column, parent, kind == "owner", f"{action} {deferred}", composite))
    return keys


def build(url: str, rng: random.Random) -> tuple[list[Key], Rows]:
    tables = ["users", *(f"t{number}" for number in range(rng.randint(2, 8)))]
    keys = random_keys(rng, tables)
    statements = ["CREATE TABLE users (id int PRIMARY KEY, email_address text)"]
    for table in tables[1:]:
        columns = "".join(f", {key.column} int" for key in keys if key.child == table)
        partitioned = rng.random() < 0.2
        by = " PARTITION BY HASH (id)" if partitioned else ""
        unique = "" if partitioned else ", UNIQUE (tenant, id)"
        statements.append(f"CREATE TABLE {table} (id int PRIMARY KEY, tenant int{columns}{unique}){by}")
        if partitioned:
            keys = [dataclasses.replace(k, composite=k.composite and k.parent != table) for k in keys]
            statements += [
                f"CREATE TABLE {table}_{part} PARTITION OF {table} FOR VALUES WITH (MODULUS 2, REMAINDER {part})"
                for part in range(2)
            ]
    rows = random_rows(rng, tables, keys)
    statements += [
        f"INSERT INTO users VALUES ({key}, '{address() if key < USERS / 2 else f'p{key}@example.gov'}')"
        for key in rows["users"]
    ]
    for table in tables[1:]:
        for row in rows[table].values():
            values = ", ".join("NULL" if value is None else str(value) for value in row.values())
            statements.append(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({values})")
    for key in keys:
        ours, theirs = (f"tenant, {key.column}", "tenant, id") if key.composite else (key.column, "id")
        statements.append(
            f"ALTER TABLE {key.child} ADD FOREIGN KEY ({ours}) REFERENCES {key.parent} ({theirs}) {key.clause}"
        )
    run(url, *statements)
    return keys, rows


def random_rows(rng: random.Random, tables: list[str], keys: list[Key]) -> Rows:
    rows: Rows = {"users": {key: {"id": key} for key in range(USERS)}}
    for table in tables[1:]:
        rows[table] = {key: {"id": key, "tenant": rng.randint(0, 1)} for key in range(ROWS)}
    for key in keys:
        for row in rows[key.child].values():
            parents = [
                found["id"]
                for found in rows[key.parent].values()
                if not key.composite or found["tenant"] == row["tenant"]
            ]
            row[key.column] = rng.choice([None, None, *parents])
    return rows


def naive(keys: list[Key], rows: Rows) -> tuple[set[tuple[str, int]], bool]:
    """The rows that go, one at a time, and whether a row that stays refers to one as an actor."""
    going = {("users", key) for key in rows["users"] if key < USERS / 2}
    size = 0
    while len(going) > size:
        size = len(going)
        going |= {hit for key in keys if key.owns for hit in referring(key, rows, going)}
    blocked = any(
        hit not in going for key in keys if "_by_id" in key.column for hit in referring(key, rows, going)
    )
    return going, blocked


def referring(key: Key, rows: Rows, going: set[tuple[str, int]]) -> list[tuple[str, int]]:
    parents = [row for number, row in rows[key.parent].items() if (key.parent, number) in going]
    return [
        (key.child, number)
        for number, row in rows[key.child].items()
        if any(key.refers(row, parent) for parent in parents)
    ]


@pytest.mark.parametrize("seed", range(10))
def test_the_closure_is_that_of_a_walk_row_by_row(database: str, seed: int) -> None:
    keys, rows = build(database, random.Random(seed))
    going, blocked = naive(keys, rows)
    plan = plan_of(database)
    assert {str(t.table): t.rows for t in plan.tables} == {
        table: count for table in rows if (count := sum(where == table for where, _ in going))
    }
    assert bool(plan.blockers) == blocked
    if blocked:
        with pytest.raises(errors.Refused):
            execute_on(database, plan)
        return
    execute_on(database, plan)
    left = {(table, key) for table in rows for (key,) in query(database, f"SELECT id FROM {table}")}
    assert left == {(table, key) for table in rows for key in rows[table]} - going
