"""Values for any column, among them those that a copy to a file gets wrong most easily."""

from __future__ import annotations

import datetime
import json
import random
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from purge_check.catalog import Column

#: NULL's mark and end of data in a copy, its separators and escapes, quotes, and text of several planes.
NASTY: Final = ("\\N", "\\.", "a\tb", "two\nlines\r\n", "back\\slash \\t", "it's \"quoted\"", "", " ", "NULL",
                "{a,b}", "(1,2)", "größe ﬁ 😀", "e\u0301", "%s :name $1", "\x01\x7f")  # fmt: skip


def value_for(column: Column, chance: random.Random) -> str:
    """A value as text; raises LookupError for a type that nothing is known of."""
    if column.labels:
        return chance.choice(column.labels)
    if column.type.endswith("[]"):
        return chance.choice(
            ("{}", '{a,"b c",NULL}' if "char" in column.type or "text" in column.type else "{1,2}")
        )
    maker = _MAKERS.get(column.type)
    if maker is None:
        raise LookupError(f"no values are known for {column.name} of type {column.type}")
    return maker(column, chance)


def _text(column: Column, chance: random.Random) -> str:
    length = re.search(r"\((\d+)\)", column.full_type)
    unique = uuid.UUID(int=chance.getrandbits(128)).hex
    text = chance.choice((unique, unique, f"{unique[:12]}{chance.choice(NASTY)}", chance.choice(NASTY)))
    return text[: int(length[1])] if length else text


def _number(column: Column, chance: random.Random) -> str:
    """Few digits: a price's column may hold no more."""
    return f"{chance.randrange(1, 100)}.{chance.randrange(10)}"


def _float(column: Column, chance: random.Random) -> str:
    return repr(chance.choice((chance.random(), -0.0, 1e-300, 0.1 + 0.2)))


def _date(column: Column, chance: random.Random) -> str:
    return (datetime.date(2019, 1, 1) + datetime.timedelta(chance.randrange(2500))).isoformat()


def _moment(column: Column, chance: random.Random) -> str:
    return f"{_date(column, chance)} {chance.randrange(24):02}:59:59.{chance.randrange(1_000_000):06}"


def _json(column: Column, chance: random.Random) -> str:
    return json.dumps(
        {"text": chance.choice(NASTY), "number": chance.random(), "none": None, "list": [1, {}]}
    )


def _one_of(*choices: str) -> Callable[[Column, random.Random], str]:
    return lambda _, chance: chance.choice(choices)


_MAKERS: Final[Mapping[str, Callable[[Column, random.Random], str]]] = {
    "uuid": lambda _, chance: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
    "boolean": _one_of("true", "false"),
    "smallint": lambda _, chance: str(chance.randrange(1, 30_000)),
    "integer": lambda _, chance: str(chance.randrange(1, 1_000_000)),
    "bigint": lambda _, chance: str(chance.randrange(1, 1 << 40)),
    "numeric": _number,
    "real": _float,
    "double precision": _float,
    "date": _date,
    "timestamp without time zone": _moment,
    "timestamp with time zone": _moment,
    "time without time zone": _one_of("00:00", "23:59:59.999999"),
    "interval": _one_of("1 mon -2 days 03:04:05.5", "00:00:00"),
    "text": _text,
    "character varying": _text,
    "character": _text,
    "json": _json,
    "jsonb": _json,
    "bytea": _one_of("\\x", "\\x005c4e0a09ff"),
    "inet": _one_of("10.0.0.1", "::1/128"),
    "tsvector": _one_of("'a':1 'b':2", ""),
}  # fmt: skip
