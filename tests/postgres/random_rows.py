"""Random rows for a random schema, and both of them put into a database."""

from __future__ import annotations

import json
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

import psycopg
from postgres import naive_purge
from postgres.purge_support import PREFIX
from postgres.random_schemas import PAYLOADS, Reference, Row, Table, Value, World, quoted
from psycopg.sql import Literal

from notifydb.postgres.connect import plain_url

Texts = dict[str, Counter[tuple[str | None, ...]]]
_WORDS: Final = ("key", "it's", "a b", "tab\t", "line\n", "back\\", "ü", "", "NULL", "x,y", "{}", '"q"')
#: Of worlds, how many are mended so that nothing forbids their purge.
_MENDED: Final = 0.75


def fill(world: World, rng: random.Random) -> None:
    """Makes the rows, and says in the settings which of them are protected."""
    for table in world.tables:
        count = rng.randint(4, 10) if table is world.root else rng.choice([0, *range(1, 20)])
        table.rows = list(_rows(world, table, count, rng))
    for place, row in enumerate(world.root.rows):
        row["email_address"] = _address(place, rng)
        row["is_admin"] = rng.choice([False, False, False, True, None])
    world.settings["protected"] = []
    for reference in world.references:
        _refer(reference, rng)
    if rng.random() < 0.3:
        _protect(world, rng.choice([world.root, *world.selected]), rng)
    groups = [row["id"] for group in world.selected[1:] for row in group.rows]
    world.settings["ignore_case"] = rng.random() < 0.3
    world.settings["delete_shared"] = [
        str(key) for key in rng.sample(groups, min(len(groups), rng.choice([0, 0, 2])))
    ]
    if rng.random() < _MENDED:
        going = naive_purge.going(world)
        for reference in world.references:
            _mend(reference, going, rng)
        assert naive_purge.going(world) == going
    elif rng.random() < 0.3:
        _protect(world, rng.choice(world.tables), rng)
    _set_defaults(world, rng)
    _reassign(world, rng)


def _rows(world: World, table: Table, count: int, rng: random.Random) -> Iterator[Row]:
    """Rows with their own keys, as unique as they have to be."""
    keys = (table.primary, *table.unique)
    shared = [each for each in world.references if each.child is table and each.columns == ("id",)]
    ids = [row["id"] for each in shared for row in each.parent.rows]
    is_bound = any(each.clause is not None for each in shared)
    seen: set[tuple[Value, ...]] = set()
    for place in range(count if ids or not is_bound else 0):
        row: Row = dict.fromkeys(table.columns)
        pool = (
            ids
            if ids and (is_bound or rng.random() < 0.9)
            else [_fresh(table.key_type, rng) for _ in range(3)]
        )
        row |= {"tenant": rng.randint(0, 1), "id": rng.choice(pool)}
        row["code"] = f"{rng.choice(_WORDS)}{place}" if rng.random() < 0.8 else None
        found = {(*key, *(row[column] for column in key)) for key in keys if key and row[key[-1]] is not None}
        if not found & seen:
            seen |= found
            yield row


def _fresh(type_: str, rng: random.Random) -> Value:
    if type_ == "uuid":
        return str(uuid.UUID(int=rng.getrandbits(128)))
    if type_ == "text":
        return f"{rng.choice(_WORDS)}{rng.randint(0, 40)}"
    far = type_ == "bigint" and rng.random() < 0.6
    return rng.choice([2**40, -(2**63)]) + rng.randint(0, 9) if far else rng.randint(-5, 40)


def _address(place: int, rng: random.Random) -> str:
    tag = uuid.UUID(int=rng.getrandbits(128))
    test = f"{PREFIX}+{tag}@example.gov"
    other = (f"{PREFIX.upper()}+{tag}@example.gov", f"{PREFIX}@example.gov", f"person{place}@example.gov")
    return test if place % 3 < 2 else rng.choice(other)


def _refer(reference: Reference, rng: random.Random) -> None:
    """Gives every row a parent or none; columns become NOT NULL only where all have one."""
    child, own = reference.child, [c for c in reference.columns if c not in ("tenant", "id")]
    candidates = [_candidates(reference, row, reference.parent.rows) for row in child.rows]
    must = reference.policy not in ("server", "suspect", "waived") and all(candidates) and rng.random() < 0.2
    for row, found in zip(child.rows, candidates, strict=True):
        chosen = rng.choice([*found, *([] if must else [None, None])]) if own else None
        _point(reference, row, chosen)
    if must:
        child.required |= set(rng.sample(own, rng.randint(0, len(own))))


def _candidates(reference: Reference, row: Row, parents: Sequence[Row]) -> list[Row]:
    """What the row can refer to without another tenant; a key that is NULL nobody refers to."""
    return [parent for parent in parents if _can_refer(reference, row, parent)]


def _can_refer(reference: Reference, row: Row, parent: Row) -> bool:
    pairs = zip(reference.columns, reference.target, strict=True)
    fits = [parent[b] is not None and (a != "tenant" or row[a] == parent[b]) for a, b in pairs]
    return all(fits)


def _point(reference: Reference, row: Row, parent: Row | None) -> None:
    for ours, theirs in zip(reference.columns, reference.target, strict=True):
        if ours not in ("tenant", "id"):
            value = None if parent is None else parent[theirs]
            is_text = reference.child.columns[ours] == "text"
            row[ours] = str(value) if is_text and value is not None else value


def _mend(reference: Reference, going: naive_purge.Going, rng: random.Random) -> None:
    """Rows that would stand in the way refer to others, where there are others."""
    child, parent = reference.child, reference.parent
    if reference.policy not in ("refuse", "suspect", "null"):
        return
    staying = [row for place, row in enumerate(parent.rows) if (parent, place) not in going]
    optional = not set(reference.columns) & (child.required - {"tenant", "id"})
    for place, row in enumerate(child.rows):
        if (child, place) in going or (reference.policy == "null" and optional):
            continue
        if any(
            reference.refers(row, each)
            for number, each in enumerate(parent.rows)
            if (parent, number) in going
        ):
            chosen = [*_candidates(reference, row, staying), *([None] if optional else [])]
            if chosen:
                _point(reference, row, rng.choice(chosen))


def _protect(world: World, table: Table, rng: random.Random) -> None:
    if table.rows and len(table.primary) == 1:
        world.settings["protected"].append(str(rng.choice(table.rows)[table.primary[0]]))


def _set_defaults(world: World, rng: random.Random) -> None:
    """What ON DELETE SET DEFAULT sets: nothing, or somebody who stays."""
    going = naive_purge.going(world)
    for reference in world.references:
        parent = reference.parent
        if "SET DEFAULT" in (reference.clause or "") and rng.random() < 0.7:
            staying = [row for place, row in enumerate(parent.rows) if (parent, place) not in going]
            values = [row[reference.target[0]] for row in staying]
            reference.child.defaults[reference.columns[0]] = rng.choice([*values, None])


def _reassign(world: World, rng: random.Random) -> None:
    """Chooses the row that others refer to afterwards; where all go, it is refused."""
    going = naive_purge.going(world)
    for reference in world.references:
        if reference.policy == "reassign":
            parent, target = reference.parent, reference.target[0]
            staying = [row[target] for place, row in enumerate(parent.rows) if (parent, place) not in going]
            # A setting is one line.
            values = [value for value in staying if value is not None and str(value).strip().isprintable()]
            reference.reassign_to = rng.choice(values) if values else None
            reference.policy = "reassign" if values else "refuse"
            said = f"reassign:{reference.reassign_to}" if values else "refuse"
            world.settings["policies"].append(f"{reference.child}.{reference.columns[0]}={said}")


# -- the database --


def load(url: str, world: World, rng: random.Random) -> dict[Table, list[tuple[str | None, ...]]]:
    """Creates and fills everything; the texts of each table's rows, in the order of `columns_of`."""
    texts = {}
    with psycopg.connect(plain_url(url)) as conn:
        for schema in sorted({table.schema for table in world.tables} - {"public"}):
            conn.execute(f"CREATE SCHEMA {quoted(schema)}".encode())
        conn.execute("CREATE TYPE mood AS ENUM ('fine', 'so, so')")
        for table in world.tables:
            for statement in _creation(table, rng):
                conn.execute(statement.encode())
            texts[table] = conn.execute(_insertion(table, rng).encode()).fetchall() if table.rows else []
        for reference in world.references:
            for statement in _keys(reference, rng):
                conn.execute(statement.encode())
        if rng.random() < 0.5:
            conn.execute("ANALYZE")
    return texts


def columns_of(table: Table) -> list[str]:
    return [*table.columns, *table.payload, *table.generated]


def texts_of(url: str, world: World) -> Texts:
    """All rows as they are now: each value as text, by table."""
    with psycopg.connect(plain_url(url)) as conn:
        return {
            str(table): Counter(conn.execute(_selection(table).encode()).fetchall()) for table in world.tables
        }


def _selection(table: Table) -> str:
    return f"SELECT {_as_texts(table)} FROM {table.sql}"


def _as_texts(table: Table) -> str:
    return ", ".join(f"{quoted(column)}::text" for column in columns_of(table))


def _creation(table: Table, rng: random.Random) -> Iterator[str]:
    columns = [f"{quoted(name)} {_definition(table, name)}" for name in columns_of(table)]
    keys = [f"PRIMARY KEY ({', '.join(table.primary)})"] if table.primary else []
    keys += [f"UNIQUE ({', '.join(key)})" for key in table.unique]
    by = f" PARTITION BY {table.partition[0]}" if table.partition else ""
    yield f"CREATE TABLE {table.sql} (gone integer, {', '.join([*columns, *keys])}){by}"
    yield f"ALTER TABLE {table.sql} DROP COLUMN gone"
    if table.partition:
        yield from _partitions(table.sql, table, 0, columns, rng)
    if rng.random() < 0.3:
        yield f"CREATE INDEX ON {table.sql} ({quoted(rng.choice([*table.columns][:3]))})"


def _definition(table: Table, name: str) -> str:
    type_ = {**table.columns, **table.payload, **table.generated}[name]
    default = f" DEFAULT {_literal(table, name, table.defaults[name])}" if name in table.defaults else ""
    return f"{type_}{default}{' NOT NULL' if name in table.required else ''}"


def _partitions(
    parent: str, table: Table, level: int, columns: list[str], rng: random.Random
) -> Iterator[str]:
    """Some are attached, with their columns in another order."""
    by_hash = table.partition[level].startswith("HASH")
    bounds = [f"WITH (MODULUS 2, REMAINDER {n})" if by_hash else f"IN ({n})" for n in range(2)]
    further = f" PARTITION BY {table.partition[level + 1]}" if level + 1 < len(table.partition) else ""
    for number, bound in enumerate(bounds):
        name = f'{parent[:-1]}_{number}"'
        if further or rng.random() < 0.5:
            yield f"CREATE TABLE {name} PARTITION OF {parent} FOR VALUES {bound}{further}"
        else:
            yield f"CREATE TABLE {name} ({', '.join(reversed(columns))})"
            yield f"ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES {bound}"
        if further:
            yield from _partitions(name, table, level + 1, columns, rng)


def _insertion(table: Table, rng: random.Random) -> str:
    names = [*table.columns, *table.payload]
    rows = [
        [_literal(table, name, row[name]) for name in table.columns]
        + [f"{rng.choice(PAYLOADS[type_])}::{type_}" for type_ in table.payload.values()]
        for row in table.rows
    ]
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    return f"INSERT INTO {table.sql} ({', '.join(map(quoted, names))}) VALUES {values} RETURNING {_as_texts(table)}"


def _literal(table: Table, column: str, value: Value) -> str:
    type_ = table.columns[column]
    if type_ in ("json", "jsonb"):
        # What is no object has no keys.
        value = json.dumps({"ref": value}) if value is not None else "[1]"
    text = None if value is None else str(value)
    return f"{Literal(text).as_string(None).strip()}::{type_}"


def _keys(reference: Reference, rng: random.Random) -> Iterator[str]:
    child, parent = reference.child, reference.parent
    ours, theirs = ", ".join(map(quoted, reference.columns)), ", ".join(map(quoted, reference.target))
    if reference.clause is not None:
        yield f"ALTER TABLE {child.sql} ADD FOREIGN KEY ({ours}) REFERENCES {parent.sql} ({theirs}) {reference.clause}"
    if rng.random() < 0.3 and reference.json_key is None:
        yield f"CREATE INDEX ON {child.sql} ({ours})"
