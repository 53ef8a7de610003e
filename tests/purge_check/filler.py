"""Rows for any table, each labelled as it is inserted: the labels are kept here, outside of the database."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal

from psycopg import errors, sql

from purge_check.catalog import Column, Connection, Link
from purge_check.schema import SERVICES, USERS, Level, Schema
from purge_check.values import value_for

#: `shared` rows are those of a service that tests and others are members of, `case` those of users whose address
#: is a test's but for the case.
Label = Literal["test", "shared", "case", "real", "seed"]
Values = Mapping[str, str | None]
_ATTEMPTS: Final = 400
_COLLISIONS: Final = 8


class Unfillable(Exception):
    """A table that no row could be made for."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row as text, column by column and as a whole; `released` is one that is only lent, when it has let go."""

    table: str
    values: Values
    text: str
    label: Label
    released: str | None = None

    def after(self, gone: Collection[Label]) -> str | None:
        """What there is of it when everything with one of these labels is purged."""
        return self.released if self.label in gone else self.text

    def goes(self, gone: Collection[Label]) -> bool:
        return self.after(gone) is None


@dataclasses.dataclass(slots=True)
class Scene:
    """Rows that belong together: what is inserted refers to them, or to those of the scene around."""

    label: Label
    actor: Row | None = None
    around: Scene | None = None
    rows: dict[str, Row] = dataclasses.field(default_factory=dict)
    done: set[str] = dataclasses.field(default_factory=set)

    def find(self, table: str) -> Row | None:
        found = self.rows.get(table)
        return found if found or self.around is None else self.around.find(table)


class Filler:
    """Inserts into any table of a schema; `rows` are all that it has inserted."""

    def __init__(self, conn: Connection, schema: Schema, chance: random.Random) -> None:
        self.conn = conn
        self.schema = schema
        self.chance = chance
        self.rows: list[Row] = []
        self._troubled: dict[str, set[str]] = defaultdict(set)
        self._reference: dict[str, list[Row]] = {}

    def fill(self, level: Level, scene: Scene) -> None:
        """A row and its variants in each table whose rows are of that level."""
        for table, found in self.schema.levels.items():
            if found == level:
                self._ensure(table, scene)

    def _ensure(self, table: str, scene: Scene) -> None:
        """What a table's rows refer to is filled before."""
        if table in scene.done or table in (USERS, SERVICES):
            return
        scene.done.add(table)
        for owner in self.schema.owners(table):
            if self.schema.levels[owner.parent] == self.schema.levels[table]:
                self._ensure(owner.parent, scene)
        if scene.label == "seed" and self._lacks_owner(table, scene):
            return
        if scene.find(table) is None:
            scene.rows[table] = self.insert(table, scene)
        if any(owner.parent == table for owner in self.schema.owners(table)):
            scene.rows[table] = self.insert(table, scene)
        for without in self._variants(table):
            # A second row may be one too many for a unique key.
            with contextlib.suppress(Unfillable):
                self.insert(table, scene, without=without)
        self._moved(table, scene)

    def _lacks_owner(self, table: str, scene: Scene) -> bool:
        return any(
            scene.find(owner.parent) is None and not self.schema.may_be_null(owner)
            for owner in self.schema.owners(table)
        )

    def _variants(self, table: str) -> Iterator[frozenset[Link]]:
        """With as little as a row can have: by each of its owners alone, where it needs none of them."""
        optional = frozenset(found for found in self.schema.links[table] if self.schema.may_be_null(found))
        owners = self.schema.owners(table)
        if all(owner in optional for owner in owners):
            yield from (optional - {owner} for owner in owners)
        elif optional:
            yield optional

    def _moved(self, table: str, scene: Scene) -> None:
        """Rows that refer to what has been moved elsewhere, or to nothing."""
        for child, column, parent in self.schema.profile.moved:
            if child == table and parent in self.schema.tables:
                self._ensure(parent, scene)
                found = scene.find(parent)
                assert found is not None
                self.insert(table, scene, given={column: found.values["id"]})
        for child, column in self.schema.profile.no_key:
            if child == table and column in self.schema.tables[table].columns:
                self.insert(table, scene, given={column: "00000000-0000-0000-0000-000000000000"})

    def insert(
        self,
        table: str,
        scene: Scene,
        *,
        given: Values | None = None,
        without: Collection[Link] = (),
        label: Label | None = None,
    ) -> Row:
        """Raises Unfillable when no values are found that the table's constraints accept."""
        collisions = 0
        for _ in range(_ATTEMPTS):
            parents = {
                found: row
                for found in self.schema.links[table]
                if found not in without and (row := self._parent(found, scene)) is not None
            }
            try:
                return self._insert(table, parents, given or {}, label or self._label(parents, scene))
            except errors.CheckViolation as error:
                self._troubled[table].add(error.diag.constraint_name or "")
            except errors.DataError:
                continue
            except errors.ForeignKeyViolation:
                break
            except errors.UniqueViolation:
                collisions += 1
                if collisions > _COLLISIONS:
                    break
        raise Unfillable(table)

    def _insert(self, table: str, parents: Mapping[Link, Row], given: Values, label: Label) -> Row:
        values = {**self._made_up(table, parents, given), **given}
        names = list(self.schema.tables[table].columns)
        statement = sql.SQL("INSERT INTO {} AS t ({}) VALUES ({}) RETURNING t::text, {}").format(
            sql.SQL(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(self._cast(table, name) for name in values),
            sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in names),
        )
        with self.conn.transaction():
            found = self.conn.execute(statement, list(values.values())).fetchone()
            assert found is not None
            text, *columns = found
        released = self._let_go(parents, text)
        row = Row(table, dict(zip(names, columns, strict=True)), text, label, released)
        self.rows.append(row)
        return row

    def _cast(self, table: str, name: str) -> sql.Composed:
        return sql.SQL("CAST(%s::text AS {})").format(
            sql.SQL(self.schema.tables[table].columns[name].full_type)
        )

    def _let_go(self, parents: Mapping[Link, Row], text: str) -> str | None:
        """The row as it will be without what it is lent to, or None when it is not lent."""
        lent = next((found for found in parents if self.schema.is_lent(found)), None)
        if lent is None:
            return None
        with self.conn.transaction(force_rollback=True):
            changed = self.conn.execute(
                f'UPDATE {lent.child} t SET "{lent.columns[0]}" = NULL WHERE t::text = %s RETURNING t::text',
                [text],
            ).fetchone()
        assert changed is not None
        return str(changed[0])

    def _label(self, parents: Mapping[Link, Row], scene: Scene) -> Label:
        """A row goes with the first of its owners that does, and with no actor."""
        owners = {row.label for found, row in parents.items() if not self.schema.is_actor(found)}
        going: tuple[Label, ...] = ("test", "case", "shared")
        return next(
            (label for label in going if label in owners), "seed" if scene.label == "seed" else "real"
        )

    def _parent(self, found: Link, scene: Scene) -> Row | None:
        if self.schema.is_actor(found):
            return scene.actor
        if self.schema.is_reference(found.parent):
            return self._any_row(found.parent)
        return scene.find(found.parent)

    def multiply(self, times: int) -> None:
        """Copies every row that nothing refers to, as far as its table takes more of the same."""
        referred = {found.parent for links in self.schema.links.values() for found in links}
        for row in list(self.rows):
            table = self.schema.tables[row.table]
            linked = {column for found in self.schema.links[row.table] for column in found.columns}
            (key, *more) = table.primary_key or ("",)
            is_free = not more and key not in linked and key and table.columns[key].type == "uuid"
            if (
                is_free
                and row.table not in referred
                and self.schema.levels[row.table]
                and row.released is None
            ):
                with contextlib.suppress(errors.UniqueViolation), self.conn.transaction():
                    self.rows += self._copies(row, key, times)

    def _copies(self, row: Row, key: str, times: int) -> list[Row]:
        names = (name for name, c in self.schema.tables[row.table].columns.items() if not c.is_generated)
        columns = ", ".join(f'"{name}"' for name in names)
        copied = self.conn.execute(
            f"INSERT INTO {row.table} AS c ({columns}) SELECT {columns} FROM (SELECT (jsonb_populate_record("
            f"t, jsonb_build_object(%s::text, gen_random_uuid()))).* FROM {row.table} t, generate_series(1, %s)"
            f' WHERE t::text = %s) r RETURNING c::text, c."{key}"::text',
            [key, times, row.text],
        )
        return [Row(row.table, {**row.values, key: new}, text, row.label) for text, new in copied]

    def _any_row(self, table: str) -> Row | None:
        if not self._reference.get(table):
            self._reference[table] = self.existing(table)
        rows = self._reference[table]
        return self.chance.choice(rows) if rows else None

    def existing(self, table: str) -> list[Row]:
        """The rows that a table has, in whatever way they came there."""
        names = list(self.schema.tables[table].columns)
        columns = sql.SQL(", ").join(sql.SQL("t.{}::text").format(sql.Identifier(name)) for name in names)
        statement = sql.SQL("SELECT t::text, {} FROM {} t ORDER BY 1").format(columns, sql.SQL(table))
        return [
            Row(table, dict(zip(names, values, strict=True)), text, "seed")
            for text, *values in self.conn.execute(statement)
        ]

    # -- values --

    def _made_up(self, table: str, parents: Mapping[Link, Row], given: Values) -> dict[str, str | None]:
        linked = _linked(parents)
        owned = {column for found in self.schema.links[table] for column in found.columns}
        values: dict[str, str | None] = {}
        for column in self.schema.tables[table].columns.values():
            if column.is_generated or column.name in given:
                continue
            if column.name in linked:
                values[column.name] = linked[column.name]
            elif column.name in owned and not column.is_required:
                values[column.name] = None
            elif not (column.has_default and self.chance.random() < 0.5):
                values[column.name] = self._value(table, column)
        for found, parent in parents.items():
            if found.json_key:
                values[found.columns[0]] = f'{{"{found.json_key}": "{parent.values["id"]}", "n": [1]}}'
        return values

    def _value(self, table: str, column: Column) -> str | None:
        checks = self.schema.tables[table].checks
        about = [checks[name] for name in self._troubled[table] if name in checks]
        literals = [
            text for definition, names in about if column.name in names for text in _literals(definition)
        ]
        if literals or any(column.name in names for _, names in about):
            choices = [*literals, value_for(column, self.chance), *([] if column.is_required else [None])]
            return self.chance.choice(choices)
        if not column.is_required and self.chance.random() < 0.4:
            return None
        return value_for(column, self.chance)


def _linked(parents: Mapping[Link, Row]) -> dict[str, str | None]:
    return {
        ours: parent.values[theirs]
        for found, parent in parents.items()
        if not found.json_key
        for ours, theirs in zip(found.columns, found.parent_columns, strict=True)
    }


def _literals(definition: str) -> list[str]:
    """The constants in a constraint's definition."""
    return [*re.findall(r"'([^']*)'::", definition), *re.findall(r"\b\d+\b", definition)]
