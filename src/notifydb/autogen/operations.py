"""Alembic's operations as changes: one thing each, described in words."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, Final

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.types import TypeEngine

from notifydb.autogen.change import Change
from notifydb.postgres.dialect import DIALECT, qualified

#: The attributes of an AlterColumnOp that each say one modification.
_MODIFICATIONS: Final = {
    "modify_type": None,
    "modify_nullable": None,
    "modify_server_default": False,
    "modify_comment": False,
}


def changes_of(container: ops.OpContainer) -> Iterator[Change]:
    """Each operation of the container as a change, in the container's order."""
    for operation in container.ops:
        if isinstance(operation, ops.OpContainer):
            yield from changes_of(operation)
        elif isinstance(operation, ops.AlterColumnOp):
            yield from map(_change, _apart(operation))
        else:
            yield _change(operation)


def enums_of(change: Change) -> frozenset[str]:
    """The names of the enum types of the columns that the change makes, drops or alters."""
    types = (type_ for operation in change.up for type_ in _types(operation))
    return frozenset(
        qualified(str(each.name), each.schema) for each in types if isinstance(each, sa.Enum) and each.name
    )


def _types(operation: ops.MigrateOperation) -> Iterator[Any]:
    match operation:
        case ops.AddColumnOp(column=column):
            yield column.type
        case ops.DropColumnOp():
            yield operation.to_column().type
        case ops.CreateTableOp() | ops.DropTableOp():
            yield from (column.type for column in operation.to_table().columns)
        case ops.AlterColumnOp():
            yield from (operation.modify_type, operation.existing_type)
        case _:
            pass


def _apart(operation: ops.AlterColumnOp) -> Iterator[ops.AlterColumnOp]:
    """One operation per modification, so that each can be left out by itself."""
    for name, unset in _MODIFICATIONS.items():
        if getattr(operation, name) is not unset:
            single = copy.copy(operation)
            for other in _MODIFICATIONS.keys() - {name}:
                setattr(single, other, _MODIFICATIONS[other])
            yield single


def _change(operation: ops.MigrateOperation) -> Change:
    down = (operation.reverse(),)
    if isinstance(operation, ops.AlterColumnOp):
        return _column_change(operation, down)
    diff = operation.to_diff_tuple()
    kind, thing = str(diff[0]), diff[-1]
    words = kind.replace("_", " ").replace(" fk", " foreign key")
    if isinstance(thing, sa.Table):
        table = qualified(thing.name, thing.schema)
        return Change(kind, table, None, f"{words} {table}", (operation,), down)
    if isinstance(thing, sa.Column):
        table = qualified(diff[2], diff[1])
        return Change(kind, table, thing.name, f"{words} {table}.{thing.name}", (operation,), down)
    return _other(kind, words, operation, down, thing)


def _other(
    kind: str, words: str, operation: ops.MigrateOperation, down: tuple[ops.MigrateOperation, ...], thing: Any
) -> Change:
    """An index, a constraint, or what a plugin knows."""
    on = getattr(thing, "table", None)
    if on is None:
        return Change(kind, None, None, f"{words} {thing}", (operation,), down)
    table = qualified(on.name, on.schema)
    if isinstance(thing, sa.CheckConstraint):
        kind = kind.replace("constraint", "check")
        words = words.replace("constraint", "check constraint")
    name = None if thing.name is None else str(thing.name)
    columns = ", ".join(column.name for column in getattr(thing, "columns", ()))
    return Change(kind, table, name, f"{words} {name or f'of {columns}'} on {table}", (operation,), down)


def _column_change(operation: ops.AlterColumnOp, down: tuple[ops.MigrateOperation, ...]) -> Change:
    kind, schema, table_name, column, _, existing, wanted = operation.to_diff_tuple()[0]
    table = qualified(table_name, schema)
    was, becomes = (_WORDS.get(kind, str)(value) for value in (existing, wanted))
    what = kind.removeprefix("modify_")
    description = f"{table}.{column}: {what} {was} becomes {becomes}"
    return Change(kind, table, column, description, (operation,), down)


def _default_text(default: Any) -> str:
    if default is None:
        return "none"
    argument = getattr(default, "arg", default)
    return str(getattr(argument, "text", argument))


def _type_text(type_: TypeEngine[Any]) -> str:
    try:
        return type_.compile(dialect=DIALECT)
    except sa.exc.SQLAlchemyError:
        # A type of a plugin's own.
        return str(type_)


_WORDS: Final[dict[str, Callable[[Any], str]]] = {
    "modify_type": _type_text,
    "modify_nullable": lambda nullable: "NULL" if nullable else "NOT NULL",
    "modify_default": _default_text,
    "modify_comment": repr,
}
