"""The safe form of each change on a table in use: what to do now, what outside of a transaction, what later.

Why these forms: https://www.postgresql.org/docs/current/sql-altertable.html (NOT VALID, USING INDEX) and
https://www.postgresql.org/docs/current/sql-createindex.html (building indexes concurrently).
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from alembic.operations import ops
from alembic.operations.ops import MigrateOperation

from notifydb.autogen.change import Change, NotValid, Sql
from notifydb.autogen.concurrent import concurrently, renamed
from notifydb.postgres.dialect import quote, suffixed


class Stage(enum.IntEnum):
    """When a step runs; its migrations come in this order."""

    VALUE = 0
    MAIN = 1
    INDEX = 2
    ATTACH = 3
    VALIDATE = 4
    SETTLE = 5
    DROP = 6


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """Something to do at a stage, and what takes it back."""

    stage: Stage
    up: tuple[MigrateOperation, ...]
    down: tuple[MigrateOperation, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """What the form depends on.

    `unused` are tables that nobody waits for: made or dropped by the same migration; `going` are columns
    (table, name) that it drops. Postgres has no concurrent form for the `partitioned` tables. `version` is
    the server's major version.
    """

    unused: frozenset[str] = frozenset()
    going: frozenset[tuple[str, str]] = frozenset()
    partitioned: frozenset[str] = frozenset()
    version: int = 13

    def in_use(self, table: str | None) -> bool:
        """Whether waiting and working on the table has to be avoided, and can be."""
        return table is not None and table not in self.unused and table not in self.partitioned


def steps_of(change: Change, around: Surroundings) -> tuple[Step, ...]:
    """The steps of one change; a single one in the main migration where nothing has to be avoided."""
    if change.kind == "add_enum_value":
        return tuple(_add_value(change, around))
    form = _FORMS.get(change.kind) if around.in_use(change.table) else None
    if form is None:
        return (Step(Stage.MAIN, change.up, change.down),)
    return tuple(form(change, around))


def needs_values(change: Change, around: Surroundings) -> bool:
    """Whether it adds a NOT NULL column that existing rows have no value for."""
    operation = change.up[0] if change.up else None
    if not isinstance(operation, ops.AddColumnOp) or not around.in_use(change.table):
        return False
    column = operation.column
    filled = (column.server_default, column.identity, column.computed)
    return not column.nullable and all(each is None for each in filled)


def nullable_first(change: Change) -> Change:
    """The change with its new column nullable."""
    operation = change.up[0]
    assert isinstance(operation, ops.AddColumnOp)
    column = operation.column._copy()  # noqa: SLF001
    column.nullable = True
    add = ops.AddColumnOp(operation.table_name, column, schema=operation.schema, **operation.kw)
    return dataclasses.replace(change, up=(add,), description=f"{change.description}, nullable")


def _add_value(change: Change, _around: Surroundings) -> Iterator[Step]:
    yield Step(Stage.VALUE, concurrently(*change.up), change.down)


def _add_index(change: Change, _around: Surroundings) -> Iterator[Step]:
    yield Step(Stage.INDEX, concurrently(*change.up), concurrently(*change.down))


def _remove_index(change: Change, around: Surroundings) -> Iterator[Step]:
    operation = change.up[0]
    assert isinstance(operation, ops.DropIndexOp)
    if any((change.table, column.name) in around.going for column in operation.to_index().columns):
        # The column takes its index along, so the index has to go first.
        yield Step(Stage.MAIN, change.up, change.down)
    else:
        yield Step(Stage.DROP, concurrently(*change.up), concurrently(*change.down))


def _modify_index(change: Change, _around: Surroundings) -> Iterator[Step]:
    """The old index serves, under another name, until the new one is there."""
    drop, create = change.up
    drop_again, create_again = change.down
    assert isinstance(drop, ops.DropIndexOp)
    name, schema = str(drop.index_name), drop.schema
    old = suffixed(name, "old")
    yield Step(Stage.MAIN, (_rename_index(name, old, schema),), (_rename_index(old, name, schema),))
    yield Step(Stage.INDEX, concurrently(create), concurrently(drop_again))
    yield Step(Stage.DROP, concurrently(renamed(drop, old)), concurrently(renamed(create_again, old)))


def _add_constraint(change: Change, _around: Surroundings) -> Iterator[Step]:
    """A unique index is built first and then becomes the constraint, which takes a moment."""
    operation = change.up[0]
    if not isinstance(operation, ops.CreateUniqueConstraintOp):
        yield Step(Stage.MAIN, change.up, change.down)
        return
    table, schema, columns = operation.table_name, operation.schema, list(operation.columns)
    name = str(operation.constraint_name or suffixed("_".join([table, *map(str, columns)]), "key"))
    index = ops.CreateIndexOp(name, table, columns, schema=schema, unique=True)
    yield Step(Stage.INDEX, concurrently(index), concurrently(ops.DropIndexOp(name, table, schema=schema)))
    attach = f"ADD CONSTRAINT {quote(name)} UNIQUE USING INDEX {quote(name)}{_deferral(operation)}"
    # Dropping the constraint takes its index along.
    drop = ops.DropConstraintOp(name, table, "unique", schema=schema)
    yield Step(Stage.ATTACH, (_alter(table, schema, attach),), (drop, *concurrently(index)))


def _add_fk(change: Change, _around: Surroundings) -> Iterator[Step]:
    """New rows are held to it at once; the old ones are looked at later, under a lock that hinders nobody."""
    operation = change.up[0]
    assert isinstance(operation, ops.CreateForeignKeyOp)
    table, schema = operation.source_table, operation.kw.get("source_schema")
    name = str(operation.constraint_name or suffixed("_".join([table, *operation.local_cols]), "fkey"))
    named = ops.CreateForeignKeyOp(
        name, table, operation.referent_table, operation.local_cols, operation.remote_cols, **operation.kw
    )
    drop = ops.DropConstraintOp(name, table, "foreignkey", schema=schema)
    yield from _validated_later(NotValid(named), (), (drop,), _alter(table, schema, _validate(name)))


def _add_check(change: Change, _around: Surroundings) -> Iterator[Step]:
    *before, create = change.up
    table, schema = _table_of(change)
    validate = _alter(table, schema, _validate(str(change.name)))
    yield from _validated_later(NotValid(create), tuple(before), change.down, validate)


def _validated_later(
    add: NotValid, before: tuple[MigrateOperation, ...], down: tuple[MigrateOperation, ...], validate: Sql
) -> Iterator[Step]:
    """`down` drops what `add` made, first of all."""
    yield Step(Stage.MAIN, (*before, add), down)
    yield Step(Stage.VALIDATE, (validate,), (down[0], add))


def _modify_nullable(change: Change, around: Surroundings) -> Iterator[Step]:
    """Since Postgres 12 a validated check spares SET NOT NULL its scan; 18 has NOT NULL ... NOT VALID itself."""
    operation = change.up[0]
    assert isinstance(operation, ops.AlterColumnOp)
    if operation.modify_nullable is not False:
        yield Step(Stage.MAIN, change.up, change.down)
        return
    table, schema, column = operation.table_name, operation.schema, quote(operation.column_name)
    name = suffixed(f"{table}_{operation.column_name}", "not_null")
    native = around.version >= 18
    test = f"NOT NULL {column}" if native else f"CHECK ({column} IS NOT NULL)"
    add = _alter(table, schema, f"ADD CONSTRAINT {quote(name)} {test} NOT VALID")
    drop = ops.DropConstraintOp(name, table, None if native else "check", schema=schema)
    validate = _alter(table, schema, _validate(name))
    yield Step(Stage.MAIN, (add,), (drop,))
    yield Step(Stage.VALIDATE, (validate,), (drop, add) if native else ())
    if not native:
        # After all that is validated: this lock keeps everybody out, and is held to the end.
        yield Step(Stage.SETTLE, (*change.up, drop), (*change.down, add))


_FORMS: Final[Mapping[str, Callable[[Change, Surroundings], Iterator[Step]]]] = {
    "add_index": _add_index,
    "remove_index": _remove_index,
    "modify_index": _modify_index,
    "add_constraint": _add_constraint,
    "add_fk": _add_fk,
    "add_check": _add_check,
    "modify_check": _add_check,
    "modify_nullable": _modify_nullable,
}


def _alter(table: str, schema: str | None, action: str) -> Sql:
    return Sql(f"ALTER TABLE {f'{quote(schema)}.' if schema else ''}{quote(table)} {action}")


def _validate(constraint: str) -> str:
    return f"VALIDATE CONSTRAINT {quote(constraint)}"


def _rename_index(name: str, new: str, schema: str | None) -> Sql:
    return Sql(f"ALTER INDEX {f'{quote(schema)}.' if schema else ''}{quote(name)} RENAME TO {quote(new)}")


def _deferral(operation: ops.CreateUniqueConstraintOp) -> str:
    deferrable = " DEFERRABLE" if operation.kw.get("deferrable") else ""
    return (
        f"{deferrable} INITIALLY {operation.kw['initially']}" if operation.kw.get("initially") else deferrable
    )


def _table_of(change: Change) -> tuple[str, str | None]:
    schema, _, table = str(change.table).rpartition(".")
    return table, schema or None
