"""The rows that go, as keys in temporary tables: they never leave the server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres.relations import Catalog, Table, TableName, quoted
from notifydb.purge.graph import Graph
from notifydb.purge.names import ColumnRef, MembershipRef
from notifydb.purge.relation import Relation
from notifydb.purge.target import Target, is_protected

#: Without a primary key a row is known by its place, which stands still while the row is locked.
_PLACE: Final = ("tableoid", "ctid")
_DIGEST: Final = (
    "encode(sha256(convert_to(coalesce(string_agg({key}, ',' ORDER BY {key}), ''), 'UTF8')), 'hex')"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Census:
    """How many rows of a table go, how many of them by each relation, and how many are protected."""

    rows: int
    by_relation: tuple[tuple[Relation, int], ...]
    protected: int


class Closure:
    """Chosen rows and all that they own; lives as long as the transaction it was made in.

    With `lock`, every row that something can refer to is locked before what refers to it is read, so that
    no foreign key can bring in more.
    """

    def __init__(
        self, conn: sa.Connection, catalog: Catalog, graph: Graph, target: Target, *, lock: bool = False
    ) -> None:
        self.conn = conn
        self.catalog = catalog
        self.graph = graph
        self.target = target
        self.lock = lock
        self.rows: dict[TableName, int] = {}
        self._keys = {
            name: f"pg_temp.{quoted(f'_purge_{number}')}"
            for number, name in enumerate(graph.tables)
            if name in graph.selected or graph.parent_columns(name)
        }

    def build(self, reading: Callable[[TableName], None]) -> Mapping[TableName, Census]:
        """Finds everything; `reading` is told each table before it is scanned. Raises Refused, under lock,
        when the chosen rows change while the locks are waited for."""
        for name in self._keys:
            self._create(name)
        reading(self.graph.root)
        self._choose()
        if self.lock:
            self._lock_chosen()
        censuses = {name: self._census(name) for name in self.graph.selected}
        for component in self.graph.walk:
            for name in component:
                reading(name)
            self._fill(component)
            censuses |= {name: self._census(name) for name in component}
            self.rows |= {name: censuses[name].rows for name in component}
        return censuses

    def condition(self, name: TableName) -> str:
        """A condition: the row `t` of the table goes."""
        if name in self.graph.selected or name in self.graph.cyclic:
            return self._is_kept_key(name)
        return _any(relation.holds(self._keys[relation.parent]) for relation in self._live_owners(name))

    def stays(self, name: TableName) -> str:
        """A condition: the row `t` of the table does not go."""
        return f"({self.condition(name)}) IS NOT TRUE"

    def founded(self, founder: ColumnRef) -> str:
        """A condition: the group `t` was made by somebody who goes."""
        return self._relation_of(founder).holds(self._keys[self.graph.root])

    def refers(self, relation: Relation) -> str:
        """A condition: the row `t` of the child refers to a row that goes."""
        return relation.holds(self._keys[relation.parent])

    def has_rows(self, name: TableName) -> bool:
        return self.rows.get(name, 0) > 0

    def chosen_digest(self, name: TableName) -> str:
        """A hash of the keys chosen in a selected table."""
        columns = self.catalog.tables[name].primary_key
        key = "concat_ws(',', {})".format(", ".join(quoted(column) for column in columns))
        digest = _DIGEST.format(key=f'{key} COLLATE "C"')
        return str(self.conn.scalar(sa.text(f"SELECT {digest} FROM {self._keys[name]}")))  # noqa: S608

    def outsiders(self, membership: MembershipRef) -> str:
        """A condition: the membership `l` is that of somebody who stays."""
        return f"({self._insiders(membership)}) IS NOT TRUE"

    def _insiders(self, membership: MembershipRef) -> str:
        relation = self._relation_of(membership.member)
        return relation.holds(self._keys[self.graph.root], "l")

    def _relation_of(self, column: ColumnRef) -> Relation:
        wanted = (column.table.name, (column.name,), self.graph.root)
        for relation in self.graph.relations:
            if (relation.child, relation.columns, relation.parent) == wanted:
                return relation
        raise errors.ConfigurationError(f"purge settings: {column} does not refer to {self.graph.root}")

    def _live_owners(self, name: TableName) -> list[Relation]:
        return [relation for relation in self.graph.owners_of(name) if self.has_rows(relation.parent)]

    # -- the chosen rows --

    def _choose(self) -> None:
        self._insert(self.graph.root, self.target.selected)
        for group in self.graph.groups:
            self._insert(group, self._is_owned_group(group))
        self.rows |= {name: self._finish(name) for name in self.graph.selected}

    def _is_owned_group(self, group: TableName) -> str:
        memberships = [m for m in self.graph.memberships if m.key.table.name == group]
        some = _any(f"EXISTS ({_links(m)})" for m in memberships)
        outside = _any(f"EXISTS ({_links(m)} AND {self.outsiders(m)})" for m in memberships)
        founders = [column for column in self.graph.founders if column.table.name == group]
        founded = _any(self.founded(column) for column in founders)
        protected = is_protected(self.catalog.tables[group])
        return f"(({some}) AND NOT ({outside}) OR NOT ({some}) AND ({founded})) AND NOT {protected}"

    def _lock_chosen(self) -> None:
        """Waiting for the locks takes time: what was chosen before must still be what is chosen after."""
        before = [self.chosen_digest(name) for name in self.graph.selected]
        for name in self.graph.selected:
            key = ", ".join(f"t.{quoted(column)}" for column in self.catalog.tables[name].primary_key)
            self._run(
                f"SELECT count(*) FROM (SELECT FROM {name.sql} t WHERE {self._is_kept_key(name)}"  # noqa: S608
                f" ORDER BY {key} FOR UPDATE OF t) locked"
            )
        for name in self.graph.selected:
            self._run(f"DELETE FROM {self._keys[name]}")  # noqa: S608
        self._choose()
        if before != [self.chosen_digest(name) for name in self.graph.selected]:
            raise errors.Refused(
                "the purge is refused: the database changes while it is looked at",
                reasons=("the matched users or their services changed before they could be locked",),
                hint="plan again",
            )

    # -- what they own --

    def _fill(self, component: tuple[TableName, ...]) -> None:
        kept = [name for name in component if name in self._keys]
        if any(name in self.graph.cyclic for name in component):
            self._fill_cycle(component)
        else:
            for name in kept:
                self._insert(name, self.condition(name))
        for name in kept:
            self._finish(name)

    def _fill_cycle(self, component: tuple[TableName, ...]) -> None:
        """Round after round, until nothing is added."""
        added = True
        while added:
            added = False
            for name in component:
                owners = self.graph.owners_of(name)
                live = [r for r in owners if self.has_rows(r.parent)]
                wanted = _any(r.holds(self._keys[r.parent]) for r in live)
                new = self._insert(name, f"({wanted}) AND NOT {self._is_kept_key(name)}")
                self.rows[name] = self.rows.get(name, 0) + new
                added = added or new > 0

    def _census(self, name: TableName) -> Census:
        owners = self._live_owners(name)
        if name not in self.graph.selected and not owners:
            return Census(0, (), 0)
        protected = is_protected(self.catalog.tables[name])
        if len(owners) < 2:
            rows, hit = self._count(
                f"count(*) FILTER (WHERE {protected})", f"{name.sql} t WHERE {self.condition(name)}"
            )
            return Census(rows, tuple((owner, rows) for owner in owners), hit)
        # Told apart below the aggregates, where the planner expects to ask once per row and hashes the keys.
        names = [f"r{number}" for number in range(len(owners))]
        flags = ", ".join(f"{self.refers(owner)} AS {r}" for owner, r in zip(owners, names, strict=True))
        counts = ", ".join(f"count(*) FILTER (WHERE {r})" for r in ("protected", *names))
        rows, hit, *by_owner = self._count(
            counts,
            f"(SELECT {protected} AS protected, {flags} FROM {name.sql} t OFFSET 0) t"  # noqa: S608
            f" WHERE {_any(names)}",
        )
        return Census(rows, tuple(zip(owners, by_owner, strict=True)), hit)

    def _count(self, more: str, source: str) -> Sequence[int]:
        statement = sa.text(f"SELECT count(*), {more} FROM {source}")  # noqa: S608
        return self.conn.execute(statement, self.target.parameters).one()

    # -- temporary tables --

    def _columns(self, name: TableName) -> dict[str, str]:
        """The columns of the table of keys, by what they are in the table itself."""
        table = self.catalog.tables[name]
        referred = [column for key in self.graph.parent_columns(name) for column in key]
        return {column: _kept_name(column) for column in (*_identity(table), *referred)}

    def _is_kept_key(self, name: TableName) -> str:
        identity = _identity(self.catalog.tables[name])
        equal = " AND ".join(f"k.{_kept_name(column)} = t.{quoted(column)}" for column in identity)
        return f"EXISTS (SELECT FROM {self._keys[name]} k WHERE {equal})"

    def _create(self, name: TableName) -> None:
        columns = ", ".join(f"t.{quoted(column)} AS {kept}" for column, kept in self._columns(name).items())
        keys = self._keys[name]
        self._run(
            f"CREATE TEMP TABLE {keys} ON COMMIT DROP AS SELECT {columns} FROM {name.sql} t WHERE false"  # noqa: S608
        )
        for key in {_identity(self.catalog.tables[name]), *self.graph.parent_columns(name)}:
            self._run(f"CREATE INDEX ON {keys} ({', '.join(_kept_name(column) for column in key)})")

    def _insert(self, name: TableName, condition: str) -> int:
        """Adds the keys of rows `t` that fulfil the condition, locking them where asked to."""
        columns = self._columns(name)
        chosen = name in self.graph.selected
        locked = " FOR UPDATE OF t" if self.lock and not chosen else ""
        return self._run(
            f"INSERT INTO {self._keys[name]} ({', '.join(columns.values())})"  # noqa: S608
            f" SELECT {', '.join(f't.{quoted(column)}' for column in columns)} FROM {name.sql} t"
            f" WHERE {condition}{locked}"
        )

    def _finish(self, name: TableName) -> int:
        keys = self._keys[name]
        self._run(f"ANALYZE {keys}")
        return int(self.conn.scalar(sa.text(f"SELECT count(*) FROM {keys}")) or 0)  # noqa: S608

    def _run(self, statement: str) -> int:
        return self.conn.execute(sa.text(statement), self.target.parameters).rowcount


def _links(membership: MembershipRef) -> str:
    link, group, key = membership.member.table.name, membership.group.name, membership.key.name
    return f"SELECT FROM {link.sql} l WHERE l.{quoted(group)} = t.{quoted(key)}"


def _identity(table: Table) -> tuple[str, ...]:
    return table.primary_key or _PLACE


def _kept_name(column: str) -> str:
    """System columns cannot be the names of others."""
    return quoted(f"row {column}" if column in _PLACE else column)


def _any(conditions: Iterable[str]) -> str:
    return " OR ".join(conditions) or "false"
