"""What must be there after a purge, by the labels alone; and what refers to nothing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from purge_check.catalog import Link, connect
from purge_check.filler import Label, Row
from purge_check.schema import Schema
from purge_check.state import State

_UUID: Final = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Orphans = dict[Link, Counter[str]]


def labelled(before: State, seeds: State, rows: Iterable[Row]) -> Iterator[str]:
    """Where a row has no label, or a label no row: whatever was not inserted here is the seed's."""
    expected = {table: Counter(found) for table, found in seeds.rows.items()}
    for row in rows:
        expected[row.table][row.text] += 1
    for table, found in before.rows.items():
        if expected[table] != found:
            yield f"{table}: rows without a label or labels without a row"


def uncovered(schema: Schema, rows: Iterable[Row]) -> Iterator[str]:
    """Tables that hold no test's row, or none that is not a test's."""
    made = {(row.table, row.label == "test") for row in rows}
    for table, level in schema.levels.items():
        for is_test in (True, False) if level else ():
            if (table, is_test) not in made:
                yield f"{table}: no row of {'a test' if is_test else 'somebody real'}"


def without(gone: Collection[Label], before: State, rows: Iterable[Row]) -> State:
    """The state in which exactly the rows with these labels are gone, and what was lent to them has let go."""
    expected = {table: Counter(found) for table, found in before.rows.items()}
    for row in rows:
        text = row.after(gone)
        if text != row.text:
            expected[row.table][row.text] -= 1
            if text is not None:
                expected[row.table][text] += 1
    return State({table: +found for table, found in expected.items()}, before.sequences, before.structure)


def orphans(url: str, schema: Schema) -> Orphans:
    """The rows that refer to nothing, by foreign keys and by links that have none."""
    with connect(url) as conn:
        return {
            found: Counter(
                text
                for (text,) in conn.execute(
                    f"SELECT t::text FROM {found.child} t WHERE {found.is_set}"
                    f" AND NOT EXISTS (SELECT FROM {found.parent} p WHERE {found.equal})"
                )
            )
            for links in schema.links.values()
            for found in links
        }


def new_orphans(before: Orphans, after: Orphans) -> Iterator[str]:
    for found, rows in after.items():
        if more := rows - before[found]:
            yield f"{found}: {more.total()} new orphans, as {next(iter(more))}"


def mentions(schema: Schema, rows: Iterable[Row], after: State, labels: Collection[Label]) -> Iterator[str]:
    """Rows that still name the key of one that went, in whatever column."""
    gone = set(_own_keys(schema, (row for row in rows if row.goes(labels))))
    for table, found in after.rows.items():
        for text in found:
            for key in gone.intersection(_UUID.findall(text)):
                yield f"{table} still names {key}: {text}"


def _own_keys(schema: Schema, rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        key = schema.tables[row.table].primary_key
        linked = {column for found in schema.links[row.table] for column in found.columns}
        if len(key) == 1 and key[0] not in linked:
            value = row.values[key[0]] or ""
            if _UUID.fullmatch(value):
                yield value
