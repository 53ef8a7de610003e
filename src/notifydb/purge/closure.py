"""The rows that go, as keys in temporary tables: they never leave the server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from typing import Final

import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres.relations import Catalog, Table, TableName, quoted
from notifydb.purge import census
from notifydb.purge.census import Census, Question
from notifydb.purge.graph import Graph
from notifydb.purge.lock_order import lock_order
from notifydb.purge.names import ColumnRef, MembershipRef
from notifydb.purge.relation import Policy, Relation
from notifydb.purge.target import Target, is_protected

#: Without a primary key a row is known by its place, which stands still while the row is locked.
_PLACE: Final = ("tableoid", "ctid")
#: Keys of a table of more bytes are not written down for children that are so much smaller.
_LARGE: Final = 8 * 1024 * 1024
_MUCH_SMALLER: Final = 8
#: Of fewer keys the planner's guess is good enough.
_WORTH_COUNTING: Final = 10_000
_DIGEST: Final = (
    "encode(sha256(convert_to(coalesce(string_agg({key}, ',' ORDER BY {key}), ''), 'UTF8')), 'hex')"
)


class Closure:
    """Chosen rows and all that they own; lives as long as the transaction it was made in, or, where it is
    `lasting`, as long as the session.

    With `only`, what belongs to other tables is not looked for. With `lock`, every row that something can refer
    to is locked before what refers to it is read, so that no foreign key can bring in more; in tables that were
    `drained` there are none but late ones, which are looked for when the others are locked.
    """

    def __init__(
        self,
        conn: sa.Connection,
        catalog: Catalog,
        graph: Graph,
        target: Target,
        *,
        lock: bool = False,
        lasting: bool = False,
        only: Collection[TableName] | None = None,
        drained: Collection[TableName] = (),
    ) -> None:
        self.conn = conn
        self.catalog = catalog
        self.graph = graph
        self.target = target
        self.lock = lock
        self.rows: dict[TableName, int] = {}
        self._locking = False
        self._made: set[TableName] = set()
        self._lifetime = "PRESERVE ROWS" if lasting else "DROP"
        self._stored = {
            name: f"pg_temp.{quoted(f'_purge_{number}')}"
            for number, name in enumerate(graph.tables)
            if name in graph.selected or (graph.parent_columns(name) and not self._is_looked_up(name))
        }
        self._only = frozenset(graph.tables if only is None else only)
        self._drained = frozenset(drained)

    def build(self, reading: Callable[[TableName], None]) -> Mapping[TableName, Census]:
        """Finds everything; `reading` is told each table before it is counted. Raises Refused, under lock,
        when the chosen rows change while the locks are waited for."""
        if self.lock:
            self._find_locked()
        else:
            self.find()
        others = sorted({relation.child for relation in self.graph.relations} - set(self.graph.tables))
        names = (*self.graph.tables, *others)
        large = [name for name in names if self.catalog.tables[name].bytes >= _LARGE]
        small = [name for name in names if name not in large]
        censuses: dict[TableName, Census] = {}
        for group in (small, *([name] for name in large)):
            for name in group:
                reading(name)
            censuses |= self._censuses(group)
        self.rows |= {name: census.rows for name, census in censuses.items()}
        return {name: censuses[name] for name in names}

    def find(self) -> None:
        """Writes down the keys of all that goes and can be referred to; nothing is counted."""
        self._fill_all(self._only)

    def drop(self) -> None:
        """Forgets a lasting closure."""
        self._run(f"DROP TABLE {', '.join(self._stored[name] for name in self._made)}")

    def _find_locked(self) -> None:
        """Waiting for the locks takes time: what was chosen before must still be what is chosen after."""
        self._fill_all(self._only - self._drained)
        chosen = self.chosen()
        self._lock_found()
        self._locking = True
        # What was made in this transaction is emptied in its place.
        self._run(f"TRUNCATE {', '.join(self._stored[name] for name in self._made)}")
        self._fill_all(self._only)
        if self.chosen() != chosen:
            raise errors.Refused(
                "the purge is refused: the database changes while it is looked at",
                reasons=("the matched users or their services changed before they could be locked",),
                hint="plan again",
            )

    def _fill_all(self, among: Set[TableName]) -> None:
        self._choose()
        for component in self.graph.walk:
            wanted = tuple(name for name in component if name in among and self._live_owners(name))
            if wanted:
                self._fill(component if self._is_cyclic(component) else wanted)

    def _is_cyclic(self, component: tuple[TableName, ...]) -> bool:
        return any(name in self.graph.cyclic for name in component)

    def condition(self, name: TableName) -> str:
        """A condition: the row `t` of the table goes."""
        if self._is_told_by_key(name):
            return self._is_kept_key(name)
        return _any(self.refers(relation) for relation in self._live_owners(name))

    def stays(self, name: TableName) -> str:
        """A condition: the row `t` of the table does not go."""
        return f"({self.condition(name)}) IS NOT TRUE"

    def founded(self, founder: ColumnRef) -> str:
        """A condition: the group `t` was made by somebody who goes."""
        return self.refers(self.relation_of(founder))

    def refers(self, relation: Relation, alias: str = "t") -> str:
        """A condition: the row `t` of the child refers to a row that goes."""
        stored = self._stored.get(relation.parent)
        if stored is not None:
            return relation.is_among(stored, alias)
        return relation.is_found_in(self._rows_of(relation.parent), alias)

    def has_rows(self, name: TableName) -> bool:
        """Whether rows of the table go, as far as it has been looked at."""
        return self.rows.get(name, 0) > 0

    def chosen(self) -> tuple[str, ...]:
        """A hash of the keys chosen in each selected table."""
        return tuple(self._digest(name, f"{self._stored[name]} t") for name in self.graph.selected)

    def chosen_now(self) -> tuple[str, ...]:
        """The same of the rows that would be chosen if it were done again: the groups of those that are."""
        return tuple(
            self._digest(name, f"{name.sql} t WHERE {self._is_chosen(name)}") for name in self.graph.selected
        )

    def _digest(self, name: TableName, source: str) -> str:
        columns = self.catalog.tables[name].primary_key
        key = "concat_ws(',', {})".format(", ".join(f"t.{quoted(column)}" for column in columns))
        digest = _DIGEST.format(key=f'{key} COLLATE "C"')
        return str(self.conn.scalar(sa.text(f"SELECT {digest} FROM {source}"), self.target.parameters))  # noqa: S608

    def outsiders(self, membership: MembershipRef) -> str:
        """A condition: the membership `l` is that of somebody who stays."""
        return f"({self._insiders(membership)}) IS NOT TRUE"

    def _insiders(self, membership: MembershipRef) -> str:
        return self.refers(self.relation_of(membership.member), "l")

    def relation_of(self, column: ColumnRef, to: TableName | None = None) -> Relation:
        """By which the column's rows refer to the table `to`, or to the root."""
        parent = to or self.graph.root
        wanted = (column.table.name, (column.name,), parent)
        for relation in self.graph.relations:
            if (relation.child, relation.columns, relation.parent) == wanted:
                return relation
        raise errors.ConfigurationError(f"purge settings: {column} does not refer to {parent}")

    def _links(self, membership: MembershipRef) -> str:
        """A query for the memberships `l` of the group `t`."""
        link, group = membership.group.table.name, membership.key.table.name
        belongs = self.relation_of(membership.group, group).leads_to("t", "l")
        return f"SELECT FROM {link.sql} l WHERE {belongs}"

    def _live_owners(self, name: TableName) -> list[Relation]:
        return [relation for relation in self.graph.owners_of(name) if self.has_rows(relation.parent)]

    # -- the chosen rows --

    def _choose(self) -> None:
        for name in (self.graph.root, *self.graph.groups):
            self._store(name, self._is_chosen(name))

    def _is_chosen(self, name: TableName) -> str:
        return self.target.selected if name == self.graph.root else self._is_owned_group(name)

    def _is_owned_group(self, group: TableName) -> str:
        memberships = [m for m in self.graph.memberships if m.key.table.name == group]
        some = _any(f"EXISTS ({self._links(m)})" for m in memberships)
        outside = _any(f"EXISTS ({self._links(m)} AND {self.outsiders(m)})" for m in memberships)
        founders = [column for column in self.graph.founders if column.table.name == group]
        founded = _any(self.founded(column) for column in founders)
        inside = _any(f"EXISTS ({self._links(m)} AND {self._insiders(m)})" for m in memberships)
        (key,) = {m.key.name for m in memberships}
        said = f"t.{quoted(key)}::text = ANY (:delete_shared) AND ({inside})"
        protected = is_protected(self.catalog.tables[group])
        return f"(({some}) AND NOT ({outside}) OR NOT ({some}) AND ({founded}) OR {said}) AND {protected} IS NOT TRUE"

    def _lock_found(self) -> None:
        """Waits for every lock, in the order in which others take them."""
        for name in lock_order(self.catalog, [name for name in self._made if self.has_rows(name)]):
            key = ", ".join(f"t.{quoted(column)}" for column in _identity(self.catalog.tables[name]))
            self._run(
                f"SELECT count(*) FROM (SELECT FROM {name.sql} t WHERE {self._is_kept_key(name)}"  # noqa: S608
                f" ORDER BY {key} FOR UPDATE OF t) locked"
            )

    # -- what they own --

    def _fill(self, component: tuple[TableName, ...]) -> None:
        kept = [name for name in component if name in self._stored]
        if self._is_cyclic(component):
            self._fill_cycle(component)
        else:
            for name in kept:
                self._store(name, self.condition(name))
        # What is looked up instead is taken to have rows; asking costs as much as looking.
        self.rows |= {name: 1 for name in component if name not in self._stored}

    def _fill_cycle(self, component: tuple[TableName, ...]) -> None:
        """Round after round, until nothing is added."""
        for name in component:
            self._store(name, "false")
        added = True
        while added:
            added = False
            for name in component:
                wanted = _any(map(self.refers, self._live_owners(name)))
                new = self._add(name, f"({wanted}) AND {self._is_kept_key(name)} IS NOT TRUE")
                self.rows[name] += new
                added = added or new > 0
        for name in component:
            self._count_keys(name)

    def _censuses(self, names: Sequence[TableName]) -> Mapping[TableName, Census]:
        questions = {name: question for name in names if (question := self._question(name)) is not None}
        answers = census.ask(self.conn, list(questions.values()), self.target.parameters)
        return {name: Census() for name in names} | dict(zip(questions, answers, strict=True))

    def _question(self, name: TableName) -> Question | None:
        """What is to be known of a table; None where no row of it can be concerned."""
        owners, others = self._live_owners(name), self._live_others(name)
        if name not in self.graph.selected and not owners and not others:
            return None
        return Question(
            name,
            tuple((owner, self.refers(owner)) for owner in owners),
            tuple((other, self.refers(other)) for other in others),
            is_protected(self.catalog.tables[name]),
            self._is_kept_key(name) if self._is_told_by_key(name) else None,
        )

    def _live_others(self, name: TableName) -> list[Relation]:
        """The relations by which rows of the table refer to what goes, and do not go for it."""
        return [
            relation
            for relation in self.graph.relations
            if relation.child == name
            and (relation.policy is not Policy.FOLLOW or name in self.graph.selected)
            and self.has_rows(relation.parent)
        ]

    # -- temporary tables --

    def _rows_of(self, name: TableName) -> str:
        """The rows of the table that go, with the columns of a table of keys."""
        columns = ", ".join(f"t.{quoted(column)} AS {kept}" for column, kept in self._columns(name).items())
        return f"(SELECT {columns} FROM {name.sql} t WHERE {self.condition(name)})"  # noqa: S608

    def _is_looked_up(self, name: TableName) -> bool:
        """Whether the few rows that refer to a large table look there, instead of in its keys written down."""
        table, size = self.catalog.tables[name], self.catalog.tables[name].bytes
        if self.lock or size < _LARGE or name in self.graph.cyclic:
            return False
        if any(key != table.primary_key for key in self.graph.parent_columns(name)):
            return False
        children = {relation.child for relation in self.graph.relations if relation.parent == name}
        return size > _MUCH_SMALLER * sum(self.catalog.tables[child].bytes for child in children)

    def _columns(self, name: TableName) -> dict[str, str]:
        """The columns of the table of keys, by what they are in the table itself."""
        table = self.catalog.tables[name]
        referred = [column for key in self.graph.parent_columns(name) for column in key]
        return {column: _kept_name(column) for column in (*_identity(table), *referred)}

    def _is_told_by_key(self, name: TableName) -> bool:
        """Whether the rows that go are known by their keys only; of a ring that nothing reaches there are none."""
        return name in self.graph.selected or (name in self.graph.cyclic and name in self._made)

    def _is_kept_key(self, name: TableName) -> str:
        identity = _identity(self.catalog.tables[name])
        ours = ", ".join(f"t.{quoted(column)}" for column in identity)
        theirs = ", ".join(f"k.{_kept_name(column)}" for column in identity)
        return f"({ours}) IN (SELECT {theirs} FROM {self._stored[name]} k)"  # noqa: S608

    def _store(self, name: TableName, condition: str) -> None:
        """Writes down the keys of the rows `t` that fulfil the condition."""
        if name in self._made:
            self.rows[name] = self._add(name, condition)
        else:
            keys = f"CREATE TEMP TABLE {self._stored[name]} ON COMMIT {self._lifetime} AS"
            self.rows[name] = self._run(f"{keys} {self._selected(name, condition)}")
            self._made.add(name)
        self._count_keys(name)

    def _add(self, name: TableName, condition: str) -> int:
        """Adds the keys of such rows, and returns how many there are of them."""
        columns = ", ".join(self._columns(name).values())
        return self._run(f"INSERT INTO {self._stored[name]} ({columns}) {self._selected(name, condition)}")

    def _selected(self, name: TableName, condition: str) -> str:
        """The keys of the rows `t`; what was not locked before is locked where it was asked for."""
        columns = ", ".join(f"t.{quoted(column)} AS {kept}" for column, kept in self._columns(name).items())
        locked = " FOR UPDATE OF t" if self._locking and name not in self.graph.selected else ""
        return f"SELECT {columns} FROM {name.sql} t WHERE {condition}{locked}"  # noqa: S608

    def _count_keys(self, name: TableName) -> None:
        if self.rows[name] >= _WORTH_COUNTING:
            self._run(f"ANALYZE {self._stored[name]}")

    def _run(self, statement: str) -> int:
        return self.conn.execute(sa.text(statement), self.target.parameters).rowcount


def _identity(table: Table) -> tuple[str, ...]:
    return table.primary_key or _PLACE


def _kept_name(column: str) -> str:
    """System columns cannot be the names of others."""
    return quoted(f"row {column}" if column in _PLACE else column)


def _any(conditions: Iterable[str]) -> str:
    return " OR ".join(conditions) or "false"
