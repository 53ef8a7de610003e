"""Enum types: labels that come and go, and the types themselves, which Alembic neither makes nor drops."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal

import sqlalchemy as sa
from alembic.autogenerate.api import AutogenContext
from psycopg import sql

from notifydb.autogen.change import Change, Sql
from notifydb.postgres.objects import Object, Objects

#: What stands on a column or on constants of the type, and would keep the column from being altered.
_IN_THE_WAY: Final = ("view", "trigger", "policy")
_WITH_CONSTANTS: Final = ("check", "index", "statistics")


def label_changes(old: Object, new: Object, actual: Objects) -> Iterator[Change]:
    """One change per new label; a single one when labels go or change places.

    What the database has now tells which columns have to be converted: changes of enums are the first to be
    done, and the last to be undone.
    """
    if _stays_in_order(old.labels, new.labels):
        yield from true_downs(_additions(old, new), actual)
        return
    gone = ", ".join(repr(label) for label in old.labels if label not in new.labels)
    what = f"loses {gone}" if gone else "has its values in another order"
    yield Change(
        "modify_enum", old.name, None, f"enum {old.name} {what}",
        recreated(old, new.labels, actual), recreated(old, old.labels, actual),
    )  # fmt: skip


def true_downs(changes: Iterable[Change], actual: Objects) -> tuple[Change, ...]:
    """The same changes, each added value undone to the labels there were before it.

    To be asked again when some of the changes are left out. Postgres cannot drop a value: the type is made anew.
    """
    labels: dict[str, tuple[str, ...]] = {}
    done = []
    for change in changes:
        if change.kind == "add_enum_value":
            name = str(change.table)
            enum = actual.by_key["enum", None, name]
            before = labels.get(name, enum.labels)
            addition = change.up[0]
            assert isinstance(addition, AddValue)
            labels[name] = addition.added_to(before)
            change = dataclasses.replace(change, down=recreated(enum, before, actual))
        done.append(change)
    return tuple(done)


class AddValue(Sql):
    """ALTER TYPE ... ADD VALUE: before a label that is there, or at the end."""

    def __init__(self, type_sql: str, label: str, before: str | None) -> None:
        place = f" BEFORE {_quote(before)}" if before is not None else ""
        super().__init__(f"ALTER TYPE {type_sql} ADD VALUE {_quote(label)}{place}")
        self.label = label
        self.before = before

    def added_to(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        index = len(labels) if self.before is None else labels.index(self.before)
        return (*labels[:index], self.label, *labels[index:])


def recreated(enum: Object, labels: Sequence[str], actual: Objects) -> tuple[Sql, ...]:
    """Makes the type anew with these labels and converts its columns; fails where a row has another value."""
    name = type_sql(enum)
    schema, _, bare = _parts(name)
    old = _identifier(f"{_unquoted(bare).encode()[:50].decode(errors='ignore')}__replaced")
    columns = actual.columns_of(enum)
    aside = _set_aside(enum, actual)
    values = ", ".join(map(_quote, labels))
    statements = [
        *(each.drop for each in reversed(aside)),
        f"ALTER TYPE {name} RENAME TO {old}",
        f"CREATE TYPE {name} AS ENUM ({values})",
        *(statement for column in columns for statement in _converted(column)),
        f"DROP TYPE {schema}.{old}",
        *(statement for each in aside for statement in each.create),
    ]
    return tuple(map(Sql, statements))


def type_sql(enum: Object) -> str:
    """The type's qualified and quoted name."""
    return enum.drop.removeprefix("DROP TYPE ")


def render_type(kind: Literal["type"] | str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Alembic's `render_item`: native enums without the order to make them, which is a change of its own."""
    if kind != "type" or not isinstance(item, sa.Enum) or not item.native_enum or not item.name:
        return False
    context.imports.add("from sqlalchemy.dialects import postgresql")
    schema = f", schema={item.schema!r}" if item.schema else ""
    labels = "".join(f"{label!r}, " for label in item.enums)
    return f"postgresql.ENUM({labels}name={str(item.name)!r}{schema}, create_type=False)"


def _additions(old: Object, new: Object) -> Iterator[Change]:
    for index, label in enumerate(new.labels):
        if label not in old.labels:
            following = next((each for each in new.labels[index:] if each in old.labels), None)
            place = f" before {following!r}" if following is not None else ""
            yield Change(
                "add_enum_value", old.name, label, f"enum {old.name} gets {label!r}{place}",
                (AddValue(type_sql(old), label, following),), (),
            )  # fmt: skip


def _stays_in_order(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    return tuple(label for label in new if label in old) == old


def _converted(column: Any) -> Iterator[str]:
    alter = f"ALTER TABLE {column.table} ALTER COLUMN {column.name}"
    through = "text[]" if column.type.endswith("[]") else "text"
    if column.default is not None:
        yield f"{alter} DROP DEFAULT"
    yield f"{alter} TYPE {column.type} USING {column.name}::{through}::{column.type}"
    if column.default is not None:
        yield f"{alter} SET DEFAULT {column.default}"


def _set_aside(enum: Object, actual: Objects) -> tuple[Object, ...]:
    """What cannot stay while the columns are converted, and what needs that, in the order to make it again."""
    places = {column.place for column in actual.columns_of(enum)}

    def stands_in_the_way(each: Object) -> bool:
        needed = actual.needs.get(each.address, frozenset())
        on_type = each.kind in (*_IN_THE_WAY, *_WITH_CONSTANTS) and any(
            need[:2] == enum.address for need in needed
        )
        return on_type or (each.kind in _IN_THE_WAY and any(need[1:] in places for need in needed))

    found = {each.key: each for each in actual.by_key.values() if stands_in_the_way(each)}
    waiting = list(found.values())
    while waiting:
        for dependent in actual.in_need_of(waiting.pop()):
            if dependent.key not in found:
                found[dependent.key] = dependent
                waiting.append(dependent)
    return actual.in_order(found.values())


def _parts(name: str) -> tuple[str, str, str]:
    """Schema, dot and bare name, of which each may be quoted and hold dots."""
    if name.startswith('"'):
        end = name.index('".') + 1
        return name[:end], ".", name[end + 1 :]
    return name.partition(".")


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _identifier(name: str) -> str:
    return sql.Identifier(name).as_string(None)


def _quote(text: str) -> str:
    return sql.Literal(text).as_string(None)
