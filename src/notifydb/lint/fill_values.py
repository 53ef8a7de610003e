"""A value for each kind of column, as an SQL expression over the row's number `i`."""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Sequence

_STRING = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
_BY_TYPE = {
    "uuid": "md5(i::text || current_database())::uuid",
    "jsonb": "jsonb_build_object('n', i)",
    "json": "json_build_object('n', i)",
    "bytea": "convert_to(i::text, 'UTF8')",
    "interval": "make_interval(secs => i)",
    "date": "DATE '2010-01-01' + (i % 20000)::int",
    "timestamp without time zone": "TIMESTAMP '2024-01-01' + make_interval(mins => i % 500000)",
    "timestamp with time zone": "TIMESTAMPTZ '2024-01-01' + make_interval(mins => i % 500000)",
    "time without time zone": "TIME '00:00' + make_interval(secs => i % 86000)",
    "time with time zone": "TIMETZ '00:00+00' + make_interval(secs => i % 86000)",
    "smallint": "(i % 32000)::smallint",
    "inet": "'10.0.0.0'::inet + i",
    "cidr": "set_masklen('10.0.0.0'::inet + i, 32)::cidr",
    "macaddr": "lpad(to_hex(i), 12, '0')::macaddr",
    "tsvector": "to_tsvector('simple', i::text)",
    "xml": "('<n>' || i || '</n>')::xml",
    "bit": "B'1'",
    "money": "i::int::money",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog has it: `category` is `pg_type.typcategory`, `kind` is `pg_type.typtype`.

    `length` is the most characters of a text, or the most digits before the point of a numeric.
    """

    name: str
    type: str
    category: str
    kind: str
    type_oid: int
    length: int | None
    not_null: bool
    computed: bool
    sequence: bool | None
    is_unique: bool


def is_filled_by_server(column: Column) -> bool:
    """Generated columns take no value, and a sequence knows its next number best."""
    return column.computed or bool(column.sequence)


def column_value(column: Column, checks: Sequence[str]) -> str:
    """An expression over `i`; `checks` are the CHECKs on the column, whose own literals are tried."""
    literals = list(dict.fromkeys(found for check in checks for found in _STRING.findall(check)))
    if literals and column.category == "S" and not column.is_unique:
        return _picked(column, [f"'{literal}'" for literal in literals])
    if column.kind == "e":
        # Its labels, not the literals: a CHECK over two columns holds those of the other one, too.
        labels = f"SELECT enumlabel FROM pg_enum WHERE enumtypid = {column.type_oid}"  # noqa: S608
        count = f"SELECT count(*)::int FROM ({labels}) AS label"  # noqa: S608
        return f"(ARRAY({labels} ORDER BY 1))[1 + {_dice(column, f'({count})')}]::{column.type}"
    if column.category == "A":
        return f"ARRAY[]::{column.type}"
    if column.category == "B":
        return f"{_dice(column, '2')} = 0"
    if column.type in _BY_TYPE:
        return _BY_TYPE[column.type]
    if column.category == "N":
        return _number_of(column, checks)
    if column.category == "S":
        return _text_of(column)
    return f"CAST(i::text AS {column.type})" if column.not_null else f"NULL::{column.type}"


def sometimes_null(column: Column, value: str) -> str:
    """The value in half of the rows: for a CHECK that asks which of its columns are null."""
    return f"CASE WHEN {_dice(column, '2')} = 0 THEN {value} END"


def _number_of(column: Column, checks: Sequence[str]) -> str:
    numbers = list(dict.fromkeys(found for check in checks for found in _NUMBER.findall(check)))
    if numbers and not column.is_unique:
        return _picked(column, ["0", "1", *numbers])
    return f"i::{column.type}" if column.length is None else f"(i % {10**column.length})::{column.type}"


def _text_of(column: Column) -> str:
    if column.length is None:
        return f"('synthetic ' || i)::{column.type}"
    if column.length < len("synthetic 1000000"):
        return f"right(i::text, {column.length})::{column.type}"
    return f"left('synthetic ' || i, {column.length})::{column.type}"


def _picked(column: Column, constants: Sequence[str]) -> str:
    dice = _dice(column, str(len(constants)))
    return f"((ARRAY[{', '.join(constants)}])[1 + {dice}])::{column.type}"


def _dice(column: Column, sides: str) -> str:
    """A number from 0, scattered over `i` and in each column differently, so that combinations occur."""
    return f"abs(hashint4(i + {zlib.crc32(column.name.encode()) % 10**6}) % {sides})"
