"""What Alembic does not compare: the objects that the models make against those that the history makes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import sqlalchemy as sa
from alembic.operations import ops

from notifydb.autogen import enums
from notifydb.autogen.change import Change, Sql
from notifydb.autogen.uncovered import Unwritten, uncovered
from notifydb.postgres.dialect import DIALECT, qualified
from notifydb.postgres.objects import Key, Object, Objects


@dataclasses.dataclass(frozen=True, slots=True)
class Unseen:
    """The differences that Alembic has no eyes for.

    `before` has to be done before Alembic's own operations and `after` after them, in this order, and undone
    the other way round. `kept` is in the history and not declared by the models, which is no order to drop it;
    `unwritten` differs, and no statement for it is known here.
    """

    before: tuple[Change, ...]
    after: tuple[Change, ...]
    kept: tuple[Object, ...]
    unwritten: tuple[Unwritten, ...]


def unseen(actual: Objects, declared: Objects, metadata: sa.MetaData) -> Unseen:
    """Compares what the history makes (`actual`) with what the models make (`declared_catalog()`)."""
    return _Comparison(actual, declared, metadata).result()


class _Comparison:
    def __init__(self, actual: Objects, declared: Objects, metadata: sa.MetaData) -> None:
        self.actual = actual
        self.declared = declared
        self.metadata = metadata
        self.both = actual.tables & declared.tables
        self.renamed = dict(self._renamed_checks())
        unnamed = {_title(table) for table in metadata.tables.values() if _name_of(table.primary_key) is None}
        self.unwritten = list(uncovered(actual, declared, unnamed))

    def result(self) -> Unseen:
        changes = list(self._changes())
        before = [change for change in changes if self._is_early(change)]
        after = [change for change in changes if not self._is_early(change)]
        before.sort(key=lambda change: _BEFORE.index(change.kind))
        after.sort(key=lambda change: change.kind == "remove_enum")
        return Unseen(tuple(before), tuple(after), self._kept(), tuple(self.unwritten))

    def _is_early(self, change: Change) -> bool:
        """A new function may be what a new column's default calls, where the models make it before all tables."""
        if change.kind != "add_function":
            return change.kind in _BEFORE
        return (
            self.declared.by_key["function", None, str(change.table)].address[1] < self.declared.first_table
        )

    def _changes(self) -> Iterator[Change]:
        for new in self.declared.in_order(self.declared.by_key.values()):
            old = self.actual.by_key.get(new.key)
            if old is None:
                yield from self._added(new)
            elif old.definition != new.definition:
                yield from self._modified(old, new)
        for old in self._undeclared():
            yield from self._removed(old)

    def _undeclared(self) -> Iterator[Object]:
        """What the models do not make; a type without columns was left over when the tables made room."""
        for key, old in sorted(self.actual.by_key.items(), key=str):
            new = self.declared.by_key.get(key)
            if new is None or (old.kind == "enum" and not self.declared.columns_of(new)):
                yield old

    def _added(self, new: Object) -> Iterator[Change]:
        if new.key in self.renamed:
            yield from self._renamed(self.actual.by_key[self.renamed[new.key]], new)
        elif new.kind == "index":
            # Alembic knows the models' own indexes; a listener's are known to Postgres only.
            if new.table in self.both and self._index(new) is None:
                yield _change("add", new, _sql(*new.create), _sql(new.drop))
        elif new.kind != "check" or new.table in self.both:
            yield _change("add", new, _sql(*new.create), _sql(new.drop))

    def _removed(self, old: Object) -> Iterator[Change]:
        if old.key in self.renamed.values():
            return
        used = old.kind == "enum" and self.actual.columns_of(old)
        if used or (old.kind == "check" and old.table in self.both):
            yield _change("remove", old, _sql(old.drop), _sql(*old.create))

    def _modified(self, old: Object, new: Object) -> Iterator[Change]:
        if new.kind == "enum":
            yield from enums.label_changes(old, new, self.actual)
        elif new.kind == "index":
            yield self._index_changed(old, new)
        elif new.kind in ("view", "function"):
            yield from self._replaced(old, new)
        else:
            yield _change("modify", new, _sql(old.drop, *new.create), _sql(new.drop, *old.create))

    def _replaced(self, old: Object, new: Object) -> Iterator[Change]:
        """In place where Postgres allows it, or dropped and made anew where nothing else stands on it."""
        up, down = _in_place(old, new), _in_place(new, old)
        for known, where, replacement in ((old, self.actual, up), (new, self.declared, down)):
            needing = where.in_need_of(known)
            if replacement is None and needing:
                reason = f"{known} cannot be replaced in place, and {', '.join(map(str, needing))} needs it"
                self.unwritten.append(Unwritten(new.kind, new.table, new.name, reason))
                return
        yield _change(
            "modify", new,
            up or _sql(old.drop, *new.create),
            down or _sql(new.drop, *old.create),
        )  # fmt: skip

    def _index_changed(self, old: Object, new: Object) -> Change:
        schema, _, table = str(new.table).rpartition(".")
        drop = ops.DropIndexOp(new.name, table, schema=schema or None)
        index = self._index(new)
        create = ops.CreateIndexOp.from_index(index) if index is not None else Sql(new.create[0])
        return _change("modify", new, (drop, create), (drop, Sql(old.create[0])))

    def _index(self, known: Object) -> sa.Index | None:
        table = self._table(known)
        indexes = table.indexes if table is not None else ()
        return next((index for index in indexes if _name_of(index) == known.name), None)

    def _table(self, known: Object) -> sa.Table | None:
        """The models' table that the object is on."""
        name = str(known.table)
        return next((table for table in self.metadata.tables.values() if _title(table) == name), None)

    def _renamed_checks(self) -> Iterator[tuple[Key, Key]]:
        """Checks that say the same under another name: (declared, actual)."""
        gone = [each for each in self._undeclared() if each.kind == "check"]
        for new in self.declared.by_key.values():
            if new.kind == "check" and new.key not in self.actual.by_key:
                old = next((each for each in gone if _says_the_same(each, new)), None)
                if old is not None:
                    gone.remove(old)
                    yield new.key, old.key

    def _renamed(self, old: Object, new: Object) -> Iterator[Change]:
        table = self._table(new)
        checks = (
            [each for each in table.constraints if isinstance(each, sa.CheckConstraint)]
            if table is not None
            else []
        )
        names = {_name_of(check) for check in checks}
        if new.name not in names and None in names:
            # The models leave the name to Postgres, so any will do.
            return
        rename = "ALTER TABLE {} RENAME CONSTRAINT {} TO {}".format
        on, was, becomes = (
            *old.drop.removeprefix("ALTER TABLE ").split(" DROP CONSTRAINT "),
            new.drop.split(" DROP CONSTRAINT ")[1],
        )
        yield Change(
            "rename_check", new.table, new.name, f"check {old.name} on {old.table} is called {new.name}",
            _sql(rename(on, was, becomes)), _sql(rename(on, becomes, was)),
        )  # fmt: skip

    def _kept(self) -> tuple[Object, ...]:
        mapped = {_title(table) for table in self.metadata.tables.values()}
        return tuple(
            each
            for each in self._undeclared()
            if each.kind not in ("index", "check")
            and not list(self._removed(each))
            and (each.table in self.both if each.table else each.name not in mapped)
        )


#: Kinds that other changes may need, in the order to do them.
_BEFORE = ("add_enum", "modify_enum", "add_enum_value", "add_function", "remove_check")


def _change(
    verb: str, known: Object, up: tuple[ops.MigrateOperation, ...], down: tuple[ops.MigrateOperation, ...]
) -> Change:
    table, name = (known.table, known.name) if known.table else (known.name, None)
    return Change(f"{verb}_{known.kind}", table, name, f"{verb} {known}", up, down)


def _in_place(old: Object, new: Object) -> tuple[Sql, ...] | None:
    """CREATE OR REPLACE, where it may change the old one into the new one."""
    if new.kind == "function":
        return _sql(*new.create) if old.signature == new.signature else None
    allowed = new.signature[0] == "v" and new.signature[: len(old.signature)] == old.signature
    return _sql(new.create[0].replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)) if allowed else None


def _says_the_same(one: Object, other: Object) -> bool:
    return (one.kind, one.table, one.definition) == (other.kind, other.table, other.definition)


def _name_of(item: sa.Index | sa.Constraint) -> str | None:
    """The name in the database: after naming conventions and shortening, None where Postgres chooses it."""
    if item.name is None:
        return None
    preparer = DIALECT.identifier_preparer
    name = preparer.format_index(item) if isinstance(item, sa.Index) else preparer.format_constraint(item)
    return name.strip('"').replace('""', '"') if name else None


def _title(table: sa.Table) -> str:
    return qualified(table.name, table.schema)


def _sql(*statements: str) -> tuple[Sql, ...]:
    return tuple(map(Sql, statements))
