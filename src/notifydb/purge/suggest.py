"""Drafts the purge's settings for a schema that nobody has described: by its names, its keys and its rows."""

from __future__ import annotations

import dataclasses
import glob
from collections.abc import Iterator, Mapping
from typing import Final

import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres.relations import Catalog, TableName, literal, quoted, read_catalog, spelled
from notifydb.purge import guesses
from notifydb.purge.detect import Meanings
from notifydb.purge.evidence import Evidence, sample_of
from notifydb.purge.graph import Graph, read_graph
from notifydb.purge.names import ColumnRef
from notifydb.purge.relation import Policy, Relation, Verdict
from notifydb.purge.session import prepare_to_read
from notifydb.purge.suggestion import Entry, Item, Suggestion
from notifydb.purge.target import find_target
from notifydb.settings.model import PurgeSettings

_ANY_PREFIX: Final = "suggest"
#: Each round follows what the one before has proved; no chain of implicit relations is longer.
_ROUNDS: Final = 8
_ENOUGH: Final = 6
_LISTED_ROOTS: Final = 3
_ADDRESS: Final = r"^[^@\s]+@[^@\s]+$"


def suggest(conn: sa.Connection) -> Suggestion:
    """Reads in the connection's transaction; raises ConfigurationError where no column looks like addresses."""
    prepare_to_read(conn)
    catalog = read_catalog(conn)
    root, notes = _root(conn, catalog)
    draft = _Draft(conn, catalog, root)
    for _ in range(_ROUNDS):
        if not draft.follow_what_is_proved():
            break
    return Suggestion(
        str(conn.scalar(sa.text("SELECT current_database()"))),
        tuple(draft.entries()),
        (*notes, *draft.graph.unsupported),
    )


def _root(conn: sa.Connection, catalog: Catalog) -> tuple[ColumnRef, tuple[str, ...]]:
    found = sorted(
        ((score, ref) for score, ref in _scored(conn, catalog) if score >= _ENOUGH),
        key=lambda pair: (-pair[0], str(pair[1])),
    )
    if not found:
        raise errors.ConfigurationError(
            "no column looks like the addresses of users", hint="write purge.root by hand, as in users.email"
        )
    others = ", ".join(str(ref) for _, ref in found[1 : _LISTED_ROOTS + 1])
    notes = (f"the root may be another column: {others}",) if others else ()
    return found[0][1], notes


def _scored(conn: sa.Connection, catalog: Catalog) -> Iterator[tuple[int, ColumnRef]]:
    for score, ref in guesses.roots(catalog):
        values, addresses = _addresses(conn, ref)
        if values and addresses * 2 < values:
            continue
        yield score + (3 if values and addresses * 10 >= values * 9 else 0), ref


def _addresses(conn: sa.Connection, ref: ColumnRef) -> tuple[int, int]:
    """How many values a sample has, and how many of them look like addresses."""
    name, column = ref.table.name, quoted(ref.name)
    values, addresses = conn.execute(
        sa.text(
            f"SELECT count(*), count(*) FILTER (WHERE v ~ {literal(_ADDRESS)})"  # noqa: S608
            f" FROM (SELECT t.{column}::text AS v FROM {name.sql} t{sample_of(conn, name)}"
            f" WHERE t.{column} IS NOT NULL LIMIT 200) s"
        )
    ).one()
    return values, addresses


class _Draft:
    """Settings that grow while the rows prove relations."""

    def __init__(self, conn: sa.Connection, catalog: Catalog, root: ColumnRef) -> None:
        self.conn = conn
        self.catalog = catalog
        self.root = root
        self.evidence = Evidence(conn, catalog)
        self.meanings = Meanings(catalog)
        self.links, self.other_links = guesses.memberships(catalog, root.table)
        self.groups = {link.key.table.name: link.key.table for link in self.links}
        self.proved: dict[str, Relation] = {}
        self.ambiguous: dict[str, Relation] = {}
        self.policies = dict(self._follow())
        self.graph: Graph = self._read()

    def follow_what_is_proved(self) -> bool:
        """Adds what the rows prove of the present relations; whether there was anything new."""
        before = len(self.proved), len(self.policies)
        new = [*self._suspects(), *self._json_relations()]
        proved = [r for r in new if r.proof is not None and r.proof.verdict is Verdict.PROVED]
        spoken_of = {(r.child, r.columns[0]) for r in proved if len(r.columns) == 1}
        for relation in proved:
            if len(relation.columns) > 1 and any(
                (relation.child, each) in spoken_of for each in relation.columns
            ):
                continue
            same = [r for r in proved if (r.child, r.columns, r.json_path) == _place(relation)]
            (self.proved if len(same) == 1 else self.ambiguous)[str(relation)] = relation
        self.policies |= dict(self._lent())
        self.graph = self._read()
        return before != (len(self.proved), len(self.policies))

    def entries(self) -> Iterator[Entry]:
        """Every setting that a schema decides."""
        yield Entry("root", "The column that a purge's prefix is matched against.", str(self.root))
        yield Entry(
            "require_uuid",
            "Test users have a + and a UUID before their @; with false, the prefix is enough.",
            value=True,
        )
        since = guesses.age(self.root.table)
        if since is not None:
            yield Entry("age", "The column that tells how old a row of the root is.", str(since))
        yield Entry("protected", "Keys of rows that never go, such as those that migrations load.", ())
        yield Entry(
            "protected_when", "True in one of these columns protects a row of the root.", self._powers()
        )
        yield Entry(
            "owned_through",
            "A group goes with the last of its members: link(member -> group) -> table(key).",
            tuple(self._owned_through()),
        )
        yield Entry(
            "owned_when_empty",
            "A group without any member goes with the root row that this column names.",
            self._founders(),
        )
        yield Entry(
            "actors",
            "Columns that tell who did something: not ownership, such rows stay and stand in the way.",
            tuple(map(Item, self._actors())),
        )
        yield Entry(
            "policies",
            "table.column=follow, refuse, null, reassign:KEY or leave, where the rules do not fit.",
            tuple(self._said_policies()),
        )
        yield Entry(
            "implicit", "Relations without a foreign key that the rows prove.", tuple(self._implicit())
        )
        refuted = tuple(Item(str(relation), str(relation.proof)) for relation in self.graph.refuted)
        yield Entry("waived", "What is named like a relation, and the rows refute.", refuted)

    # -- the settings so far --

    def _read(self) -> Graph:
        """The graph by the settings so far."""
        values: Mapping[str, object] = {
            "root": str(self.root),
            "protected": (),
            "protected_when": (),
            "owned_through": tuple(map(str, self.links)),
            "owned_when_empty": tuple(item.text for item in self._founders()),
            "actors": self._actors(),
            "policies": tuple(f"{column}={policy}" for column, (policy, _) in self.policies.items()),
            "implicit": tuple(self.proved),
            "waived": (),
        }
        settings = PurgeSettings.of(values)
        target = find_target(self.catalog, settings, _ANY_PREFIX)
        return read_graph(self.catalog, target, settings, self.evidence)

    def _powers(self) -> tuple[Item, ...]:
        return tuple(Item(str(column)) for column in guesses.protections(self.root.table))

    def _founders(self) -> tuple[Item, ...]:
        return tuple(
            Item(str(column))
            for group in self.groups.values()
            for column in guesses.founders(self.catalog, self.root.table, group)
        )

    def _owned_through(self) -> Iterator[Item]:
        for link in self.links:
            yield Item(str(link))
        for link in self.other_links:
            yield Item(str(link), "a group that is not made by its members?", doubtful=True)

    def _to_root(self) -> Iterator[tuple[TableName, tuple[str, ...]]]:
        """Columns that tell of a person in the row of something else."""
        keys = [
            (k.child, k.child_columns) for k in self.catalog.foreign_keys if k.parent == self.root.table.name
        ]
        told = [
            (r.child, (*r.columns, *r.json_path))
            for r in self.proved.values()
            if r.parent == self.root.table.name
        ]
        yield from ((child, columns) for child, columns in [*keys, *told] if child != self.root.table.name)

    def _is_owner(self, child: TableName, columns: tuple[str, ...]) -> bool:
        return guesses.is_owner(self.root.table.name, columns, self.catalog.tables[child])

    def _actors(self) -> tuple[str, ...]:
        """The usual patterns, and each column that they miss; with its table, where it means another one elsewhere."""
        missed: dict[str, None] = {}
        for child, columns in self._to_root():
            if not self._is_owner(child, columns) and not any(map(guesses.is_actor, columns)):
                column = columns[-1]
                named = column if self._is_always_an_actor(column) else f"{child}.{column}"
                missed[glob.escape(named)] = None
        return (*guesses.ACTORS, *sorted(missed))

    def _is_always_an_actor(self, column: str) -> bool:
        """Whether the name means nothing else in any other table."""
        keys = [key for key in self.catalog.foreign_keys if column in key.child_columns]
        owners = [
            child
            for child, columns in self._to_root()
            if columns[-1] == column and self._is_owner(child, columns)
        ]
        return not owners and all(key.parent == self.root.table.name for key in keys)

    def _follow(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Owners that a pattern of ACTORS takes for actors."""
        for child, columns in self._to_root():
            misnamed = guesses.is_actor(columns[0]) and self._is_owner(child, columns)
            if len(columns) == 1 and misnamed and child not in self.groups:
                yield _spelled(child, columns[0]), ("follow", "an owner, although it is named like an actor")

    def _lent(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """What is only lent to a group, as numbers of a pool: it is there without one too."""
        for relation in self.graph.relations:
            alone = self.graph.owners_of(relation.child) == (relation,)
            if (
                alone
                and relation.parent in self.groups
                and len(relation.nullable) == len(relation.columns) == 1
            ):
                rows, unowned = self._unowned(relation)
                if unowned:
                    note = f"lent: {unowned:,} of {rows:,} sampled rows have none"
                    yield _spelled(relation.child, relation.columns[0]), ("null", note)

    def _unowned(self, relation: Relation) -> tuple[int, int]:
        sample = sample_of(self.conn, relation.child)
        rows, unowned = self.conn.execute(
            sa.text(
                f"SELECT count(*), count(*) - count(t.{quoted(relation.columns[0])})"  # noqa: S608
                f" FROM {relation.child.sql} t{sample}"
            )
        ).one()
        return rows, unowned

    def _said_policies(self) -> Iterator[Item]:
        for column, (policy, note) in self.policies.items():
            yield Item(f"{column}={policy}", note)
        going = set(self.graph.tables)
        for relation in self.graph.relations:
            if (
                relation.policy is Policy.REFUSE
                and relation.child not in going
                and len(relation.columns) == 1
            ):
                text = f"{_spelled(relation.child, relation.columns[0])}=follow"
                yield Item(text, "nobody owns these rows: to let them go with who made them", doubtful=True)

    # -- what is not said by any foreign key --

    def _implicit(self) -> Iterator[Item]:
        for relation in self.proved.values():
            yield Item(str(relation), str(relation.proof))
        for relation in self.ambiguous.values():
            yield Item(
                str(relation), f"{relation.proof}, but the column fits other tables too", doubtful=True
            )
        for relation in self._suspects():
            if str(relation) not in self.ambiguous:
                yield Item(str(relation), str(relation.proof), doubtful=True)

    def _suspects(self) -> Iterator[Relation]:
        yield from (relation for relation in self.graph.relations if relation.policy is Policy.SUSPECT)

    def _json_relations(self) -> Iterator[Relation]:
        """Keys of JSON columns that are named like a reference, each with its proof."""
        reached = set(self.graph.tables)
        for table in self.catalog.tables.values():
            for column in table.columns:
                for key in self._json_keys(ColumnRef(table, column.name)):
                    for parent, names in self._meanings(table.name, key):
                        path = (key,)
                        relation = Relation(
                            table.name, (column.name,), parent, names, Policy.SUSPECT, "detected",
                            json_path=path, as_text=True,
                        )  # fmt: skip
                        if parent in reached and str(relation) not in self.proved and len(names) == 1:
                            yield dataclasses.replace(relation, proof=self.evidence.of(relation))

    def _meanings(self, table: TableName, key: str) -> Iterator[tuple[TableName, tuple[str, ...]]]:
        found = sorted(self.meanings.of(self.catalog.tables[table], key))
        root = self.root.table
        if not found and guesses.is_person(root.name, key):
            found.append((root.name, root.primary_key))
        yield from found

    def _json_keys(self, ref: ColumnRef) -> tuple[str, ...]:
        """The keys that values of the column have, in a sample, and that are named like references."""
        if ref.type not in ("json", "jsonb"):
            return ()
        name, column = ref.table.name, f"t.{quoted(ref.name)}::jsonb"
        found = self.conn.execute(
            sa.text(
                f"SELECT DISTINCT k FROM {name.sql} t{sample_of(self.conn, name)},"  # noqa: S608
                f" jsonb_object_keys(CASE jsonb_typeof({column}) WHEN 'object' THEN {column} END) k"
                " WHERE k ~* '(_id|_uuid|id)$' ORDER BY 1"
            )
        )
        return tuple(found.scalars())


def _place(relation: Relation) -> tuple[TableName, tuple[str, ...], tuple[str, ...]]:
    return relation.child, relation.columns, relation.json_path


def _spelled(table: TableName, column: str) -> str:
    return f"{table}.{spelled(column)}"
