"""The SQL that leads from what is there to what is expected, as far as the catalog's text gives it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from notifydb.postgres.catalog import Catalog, Drift
from notifydb.postgres.dialect import quote

#: In this order each can be made after what it may need; foreign keys need others' indexes.
_KINDS: Final = (
    "schema", "extension", "enum", "domain", "sequence", "table", "column", "function", "constraint", "index",
    "foreign key", "view", "trigger", "policy", "statistics", "comment",
)  # fmt: skip
_COLUMN: Final = re.compile(
    r"(?P<type>.*?)(?P<filled> NOT NULL)?(?: DEFAULT (?P<default>.*?))?(?: (?P<identity>[ad]))?"
    r"(?: (?P<generated>[sv]))?(?P<collation> COLLATE \S+)?",
    re.DOTALL,
)
_TRIGGER_STATES: Final = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}
_NOT_VALID: Final = " (not validated)"
_KEYS: Final = ("PRIMARY KEY", "UNIQUE", "EXCLUDE")

Sql = tuple[str, ...]


def mends(drift: Drift, expected: Catalog) -> Sql:
    """The statements that make what is expected of what is there; none where the catalog's text does not tell.

    `expected` is all that is expected: a table is made with its columns.
    """
    if drift.expected is None:
        return drops(drift)
    if drift.actual is None:
        return _create(drift.kind, drift.name, drift.expected, expected)
    if (alter := _ALTERED.get(drift.kind)) is not None:
        return alter(drift.name, drift.actual, drift.expected)
    made = _create(drift.kind, drift.name, drift.expected, expected)
    if not made or drift.kind in ("function", "comment"):
        return made
    return (*drops(drift), *made)


def rank(drift: Drift) -> tuple[int, str]:
    """By this, mending goes in an order that works."""
    is_foreign = drift.kind == "constraint" and (drift.expected or "").startswith("FOREIGN KEY")
    return (_KINDS.index("foreign key" if is_foreign else drift.kind), drift.name)


def drops(drift: Drift) -> Sql:
    """The statement that takes away what is there; none where the catalog's text does not tell."""
    table, name = _owned(drift.name)
    match drift.kind:
        case "index":
            return (f"DROP INDEX CONCURRENTLY {drift.name}",)
        case "column":
            return (f"ALTER TABLE {table} DROP COLUMN {name}",)
        case "constraint":
            return (f"ALTER TABLE {table} DROP CONSTRAINT {name}",)
        case "trigger" | "policy":
            return (f"DROP {drift.kind.upper()} {name} ON {table}",)
        case "function":
            return (f"DROP ROUTINE {drift.name}",)
        case "enum":
            return (f"DROP TYPE {drift.name}",)
        case "view":
            materialized = "MATERIALIZED " if (drift.actual or "").startswith("m ") else ""
            return (f"DROP {materialized}VIEW {_sql(drift.name)}",)
        case "domain":
            return (f"DROP DOMAIN {drift.name}",)
        case "comment":
            return ()
        case _:
            return (f"DROP {drift.kind.upper()} {_sql(drift.name)}",)


def adopts(drift: Drift, actual: Catalog) -> Sql:
    """Makes a missing key of its index, where that is there already; nothing otherwise."""
    kind = next((each for each in ("PRIMARY KEY", "UNIQUE") if (drift.expected or "").startswith(each)), None)
    table, name = _owned(drift.name)
    index = f"{table.rpartition('.')[0]}.{name}"
    if (
        drift.kind != "constraint"
        or drift.actual is not None
        or kind is None
        or ("index", index) not in actual
    ):
        return ()
    return (f"ALTER TABLE {table} ADD CONSTRAINT {name} {kind} USING INDEX {name}",)


def _create(kind: str, name: str, definition: str, catalog: Catalog) -> Sql:
    make = _CREATED.get(kind)
    return make(name, definition, catalog) if make is not None else ()


def _schema(name: str, _definition: str, _catalog: Catalog) -> Sql:
    return (f"CREATE SCHEMA {quote(name)}",)


def _extension(name: str, _definition: str, _catalog: Catalog) -> Sql:
    return (f"CREATE EXTENSION {quote(name)}",)


def _enum(name: str, definition: str, _catalog: Catalog) -> Sql:
    return (f"CREATE TYPE {name} AS ENUM ({definition})",)


def _sequence(name: str, definition: str, _catalog: Catalog) -> Sql:
    return (f"CREATE SEQUENCE {_sql(name)} {_sequence_options(definition)}",)


def _table(name: str, definition: str, catalog: Catalog) -> Sql:
    """An ordinary one; what else the catalog says of a table takes its migration."""
    if definition != "r p":
        return ()
    columns = [
        f"    {quote(column)} {_column_sql(text)}"
        for (kind, place), text in sorted(catalog.items())
        if kind == "column" and (column := place.removeprefix(f"{name}.")) != place and "." not in column
    ]
    return ("\n".join([f"CREATE TABLE {_sql(name)} (", ",\n".join(columns), ")"]),)


def _column(name: str, definition: str, _catalog: Catalog) -> Sql:
    table, column = _owned(name)
    return (f"ALTER TABLE {table} ADD COLUMN {column} {_column_sql(definition)}",)


def _column_sql(definition: str) -> str:
    parts = _COLUMN.fullmatch(definition)
    assert parts is not None
    text = f"{parts['type']}{parts['collation'] or ''}"
    if parts["generated"]:
        stored = "STORED" if parts["generated"] == "s" else "VIRTUAL"
        text += f" GENERATED ALWAYS AS ({parts['default']}) {stored}"
    elif parts["default"] is not None:
        text += f" DEFAULT {parts['default']}"
    if parts["identity"]:
        text += f" GENERATED {'ALWAYS' if parts['identity'] == 'a' else 'BY DEFAULT'} AS IDENTITY"
    return text + (parts["filled"] or "")


def _constraint(name: str, definition: str, _catalog: Catalog) -> Sql:
    table, constraint = _owned(name)
    text = definition.removesuffix(_NOT_VALID)
    add = f"ALTER TABLE {table} ADD CONSTRAINT {constraint} {text}"
    if text.startswith(_KEYS) or text != definition:
        return (add,)
    return (f"{add} NOT VALID", f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")


def _index(_name: str, definition: str, _catalog: Catalog) -> Sql:
    return (re.sub(r"^(CREATE (?:UNIQUE )?INDEX )", r"\1CONCURRENTLY ", definition),)


def _view(name: str, definition: str, _catalog: Catalog) -> Sql:
    kind, _, query = definition.partition(" ")
    noun = "MATERIALIZED VIEW" if kind == "m" else "VIEW"
    return (f"CREATE {noun} {_sql(name)} AS\n{query.strip().rstrip(';')}",)


def _function(_name: str, definition: str, _catalog: Catalog) -> Sql:
    return (definition.rstrip(),)


def _trigger(name: str, definition: str, _catalog: Catalog) -> Sql:
    create, _, state = definition.rpartition(" ")
    if state not in _TRIGGER_STATES:
        return (create,)
    table, trigger = _owned(name)
    return (create, f"ALTER TABLE {table} {_TRIGGER_STATES[state]} TRIGGER {trigger}")


def _statistics(_name: str, definition: str, _catalog: Catalog) -> Sql:
    return (definition,)


def _comment(name: str, definition: str, catalog: Catalog) -> Sql:
    text = "'" + definition.replace("'", "''") + "'"
    nouns = {"table": "TABLE", "sequence": "SEQUENCE", "index": "INDEX", "view": "VIEW"}
    noun = (
        "COLUMN"
        if name.count(".") > 1
        else next((nouns[kind] for kind in nouns if (kind, name) in catalog), None)
    )
    return (f"COMMENT ON {noun} {_sql(name)} IS {text}",) if noun is not None else ()


def _alter_column(name: str, actual: str, expected: str) -> Sql:
    """Nothing where identity, a generated value or a collation differs: that takes its migration."""
    was, becomes = _COLUMN.fullmatch(actual), _COLUMN.fullmatch(expected)
    assert was is not None
    assert becomes is not None
    if any(was[part] != becomes[part] for part in ("identity", "generated", "collation")):
        return ()
    table, column = _owned(name)
    found = []
    if was["type"] != becomes["type"]:
        found.append(f"TYPE {becomes['type']}")
    if was["default"] != becomes["default"]:
        found.append("DROP DEFAULT" if becomes["default"] is None else f"SET DEFAULT {becomes['default']}")
    if was["filled"] != becomes["filled"]:
        found.append("SET NOT NULL" if becomes["filled"] else "DROP NOT NULL")
    return tuple(f"ALTER TABLE {table} ALTER COLUMN {column} {each}" for each in found)


def _alter_enum(name: str, actual: str, expected: str) -> Sql:
    """Labels are added where they belong; one too many cannot be taken away."""
    there, wanted = _labels(actual), _labels(expected)
    if [label for label in wanted if label in there] != there:
        return ()
    found = []
    for position, label in enumerate(wanted):
        if label not in there:
            place = f" AFTER {wanted[position - 1]}" if position else f" BEFORE {there[0]}" if there else ""
            found.append(f"ALTER TYPE {name} ADD VALUE {label}{place}")
    return tuple(found)


def _alter_sequence(name: str, _actual: str, expected: str) -> Sql:
    return (f"ALTER SEQUENCE {_sql(name)} {_sequence_options(expected)}",)


def _nothing(_name: str, _actual: str, _expected: str) -> Sql:
    return ()


def _labels(definition: str) -> list[str]:
    """Still quoted."""
    return re.findall(r"'(?:[^']|'')*'", definition)


def _sequence_options(definition: str) -> str:
    type_, start, increment, least, most, cycle = definition.rsplit(" ", 5)
    return (
        f"AS {type_} START {start} INCREMENT {increment} MINVALUE {least} MAXVALUE {most}"
        f" {'CYCLE' if cycle == 't' else 'NO CYCLE'}"
    )


def _owned(name: str) -> tuple[str, str]:
    """The table as SQL, and the quoted name of what belongs to it; of another object, nothing of use."""
    table, _, last = name.rpartition(".")
    return _sql(table), quote(last)


def _sql(name: str) -> str:
    """The catalog's `schema.table` or `schema.table.column`, quoted where it has to be."""
    return ".".join(map(quote, name.split(".")))


_CREATED: Final[Mapping[str, Callable[[str, str, Catalog], Sql]]] = {
    "schema": _schema, "extension": _extension, "enum": _enum, "sequence": _sequence, "table": _table,
    "column": _column, "constraint": _constraint, "index": _index, "view": _view, "function": _function,
    "trigger": _trigger, "statistics": _statistics, "comment": _comment,
}  # fmt: skip
_ALTERED: Final[Mapping[str, Callable[[str, str, str], Sql]]] = {
    "column": _alter_column, "enum": _alter_enum, "sequence": _alter_sequence,
    "table": _nothing, "domain": _nothing, "policy": _nothing,
}  # fmt: skip
