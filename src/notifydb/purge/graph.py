"""The relations that matter to a purge, each with its policy, and the order in which to walk them."""

from __future__ import annotations

import dataclasses
import fnmatch
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import Final, TypeAlias, TypeVar

from notifydb import errors
from notifydb.postgres.relations import Catalog, ForeignKey, Table, TableName
from notifydb.purge import detect, names
from notifydb.purge.components import components, is_cyclic
from notifydb.purge.evidence import Evidence
from notifydb.purge.names import ColumnRef, MembershipRef, RelationRef
from notifydb.purge.relation import Origin, Policy, Relation, Verdict, by_foreign_key
from notifydb.purge.target import Target
from notifydb.settings.model import PurgeSettings

Found = TypeVar("Found")
_Identity: TypeAlias = tuple[TableName, tuple[str, ...], tuple[str, ...], TableName]
#: What the settings may say of a column.
_STATED: Final = (Policy.FOLLOW, Policy.REFUSE, Policy.NULL, Policy.REASSIGN, Policy.LEAVE)


@dataclasses.dataclass(frozen=True)
class Graph:
    """`selected` tables hold rows that were chosen; `walk` are the tables owned by them, parents first.

    `relations` are those whose parent is one of these; `refuted` were suspected and `waived` declared to be none.
    `unsupported` tells of tables that the purge would have to read or delete from, and cannot; `unknown` names
    settings that fit nothing here.
    """

    root: TableName
    memberships: tuple[MembershipRef, ...]
    founders: tuple[ColumnRef, ...]
    relations: tuple[Relation, ...]
    walk: tuple[tuple[TableName, ...], ...]
    cyclic: frozenset[TableName]
    unknown: tuple[str, ...]
    refuted: tuple[Relation, ...] = ()
    waived: tuple[RelationRef, ...] = ()
    unsupported: tuple[str, ...] = ()

    @property
    def doubts(self) -> tuple[str, ...]:
        """What looks like a relation, in its values too, and is neither followed nor waived."""
        return tuple(
            f"{relation} looks like a relation ({relation.proof}), and is neither followed nor waived"
            for relation in self.relations
            if relation.policy is Policy.SUSPECT and relation.proof is not None and relation.proof.found
        )

    @cached_property
    def groups(self) -> tuple[TableName, ...]:
        return tuple(dict.fromkeys(membership.key.table.name for membership in self.memberships))

    @cached_property
    def selected(self) -> tuple[TableName, ...]:
        """In the order in which they are locked: a message's insert locks its service, then its user."""
        return (*self.groups, self.root)

    @cached_property
    def tables(self) -> tuple[TableName, ...]:
        return (*self.selected, *(table for component in self.walk for table in component))

    def owners_of(self, child: TableName) -> tuple[Relation, ...]:
        """The relations by which rows of `child` go."""
        return self._owners.get(child, ())

    def parent_columns(self, parent: TableName) -> tuple[tuple[str, ...], ...]:
        """The keys of `parent` that something may refer to; none for a leaf."""
        return self._parent_columns.get(parent, ())

    @cached_property
    def _parent_columns(self) -> Mapping[TableName, tuple[tuple[str, ...], ...]]:
        found: dict[TableName, list[tuple[str, ...]]] = defaultdict(list)
        for relation in self.relations:
            found[relation.parent].append(relation.parent_columns)
        return {parent: tuple(dict.fromkeys(keys)) for parent, keys in found.items()}

    @cached_property
    def _owners(self) -> Mapping[TableName, tuple[Relation, ...]]:
        found: dict[TableName, list[Relation]] = defaultdict(list)
        for relation in self.relations:
            if relation.policy is Policy.FOLLOW and relation.child not in self.selected:
                found[relation.child].append(relation)
        return {child: tuple(relations) for child, relations in found.items()}


def read_graph(
    catalog: Catalog, target: Target, settings: PurgeSettings, evidence: Evidence | None = None
) -> Graph:
    """Classifies every relation; raises ConfigurationError for settings that contradict the database.

    Without `evidence` nothing is proved or refuted, and foreign and inheriting tables are not seen.
    """
    reader = _Reader(catalog, target, settings)
    relations = tuple(reader.relations())
    reached = _reached(reader.selected, relations)
    owned = {name: _owner_tables(name, relations, reached) for name in reached - reader.selected}
    walk = components({name: owned[name] for name in sorted(owned)})
    graph = Graph(
        target.table.name,
        reader.memberships,
        reader.founders,
        tuple(relation for relation in relations if relation.parent in reached),
        tuple(walk),
        frozenset(name for component in walk if is_cyclic(component, owned) for name in component),
        tuple(reader.unknown),
        waived=tuple(ref for ref in reader.waived if ref.parent.name in reached),
    )
    return graph if evidence is None else _judged(graph, catalog, settings, evidence)


def _judged(graph: Graph, catalog: Catalog, settings: PurgeSettings, evidence: Evidence) -> Graph:
    """The graph without what the rows refute, and with what else the database says."""
    relations: list[Relation] = []
    refuted: list[Relation] = []
    for relation in graph.relations:
        if relation.reassign_to is not None and not evidence.has_key(relation, relation.reassign_to):
            raise errors.ConfigurationError(
                f"purge.policies: no row of {relation.parent} is {relation.reassign_to!r}, for {relation}"
            )
        if relation.policy is Policy.SUSPECT:
            relation = dataclasses.replace(relation, proof=evidence.of(relation))
        is_none = relation.proof is not None and relation.proof.verdict is Verdict.REFUTED
        (refuted if is_none else relations).append(relation)
    judged = dataclasses.replace(graph, relations=tuple(relations), refuted=tuple(refuted))
    held = {table.name: table for table in evidence.foreign_tables}
    whole = Catalog({**catalog.tables, **held}, catalog.foreign_keys)
    waived = {str(ref): text for text in settings.waived if (ref := names.relation(whole, text)) is not None}
    unsupported = (
        *(
            f"{each}: a foreign key that {odd} is not supported"
            for each in relations
            if (odd := _oddity(each))
        ),
        *(f"{key}: what groups are known by is there more than once" for key in _repeated(graph, evidence)),
        *evidence.peculiarities({*judged.tables, *(relation.child for relation in relations)}),
        *_elsewhere(judged, whole, settings, held.keys(), waived.keys()),
    )
    known = {f"purge.waived: {text}" for text in waived.values()}
    unknown = tuple(text for text in graph.unknown if text not in known)
    return dataclasses.replace(judged, unsupported=unsupported, unknown=unknown)


def _repeated(graph: Graph, evidence: Evidence) -> Iterator[ColumnRef]:
    keys = dict.fromkeys(membership.key for membership in graph.memberships)
    yield from (key for key in keys if key.table.primary_key != (key.name,) and evidence.is_repeated(key))


def _oddity(relation: Relation) -> str | None:
    return relation.foreign_key.oddity if relation.foreign_key is not None else None


def _elsewhere(
    graph: Graph, whole: Catalog, settings: PurgeSettings, held: Set[TableName], waived: Set[str]
) -> Iterator[str]:
    """Relations of the tables `held` by other servers, where no transaction here can lock, prove or put back."""
    said_so = (*settings.implicit, *settings.extend_implicit)
    declared = [names.relation(whole, text) for text in said_so]
    meant = [ref for ref in declared if ref is not None] + (list(detect.suspects(whole)) if held else [])
    found = (ref for ref in meant if ref.child.name in held and ref.parent.name in graph.tables)
    for said in dict.fromkeys(map(str, found)):
        if said not in waived:
            yield f"{said}: a foreign table is not supported; waive it if nothing there belongs to the purged rows"


def _reached(selected: frozenset[TableName], relations: Iterable[Relation]) -> frozenset[TableName]:
    followed = [relation for relation in relations if relation.policy is Policy.FOLLOW]
    reached, size = set(selected), 0
    while len(reached) > size:
        size = len(reached)
        reached |= {relation.child for relation in followed if relation.parent in reached}
    return frozenset(reached)


def _owner_tables(
    child: TableName, relations: Iterable[Relation], reached: frozenset[TableName]
) -> frozenset[TableName]:
    return frozenset(
        r.parent for r in relations if r.child == child and r.policy is Policy.FOLLOW and r.parent in reached
    )


class _Reader:
    """Brings foreign keys, declared and detected relations together with the settings' words on them."""

    def __init__(self, catalog: Catalog, target: Target, settings: PurgeSettings) -> None:
        self.catalog = catalog
        self.target = target
        self.settings = settings
        self.unknown: list[str] = []
        self.memberships = tuple(self._known("owned_through", names.membership))
        _require_keys(self.memberships, target.table)
        groups = {membership.key.table.name for membership in self.memberships}
        self.selected = frozenset({target.table.name, *groups})
        founders = self._known("owned_when_empty", names.column)
        self.founders = tuple(column for column in founders if column.table.name in groups)
        self.policies = self._policies()
        self._known_actors()
        self.waived = tuple(self._known("waived", names.relation))

    def relations(self) -> Iterator[Relation]:
        """Foreign keys first, so that what is declared again is not counted twice; nor is a key that says the same."""
        said: dict[tuple[object, ...], Relation] = {}
        for key in self.catalog.foreign_keys:
            relation = self._foreign(key)
            # What the server would do counts only where it is left to do so.
            written = key.on_delete_sets if relation.policy is Policy.SERVER else None
            same = str(relation), relation.policy, relation.lets_go_by, written, key.oddity
            said.setdefault(same, relation)
        yield from said.values()
        seen: set[_Identity] = {(k.child, k.child_columns, (), k.parent) for k in self.catalog.foreign_keys}
        seen |= {_identity(ref) for ref in self.waived}
        spoken_of = {(ref.child.name, column) for ref in self.waived for column in ref.columns}
        for ref in self._declared():
            if _identity(ref) not in seen:
                seen.add(_identity(ref))
                spoken_of |= {(ref.child.name, column) for column in ref.columns}
                yield self._implicit(ref, "declared")
        for ref in detect.suspects(self.catalog):
            # Of several columns together, one that is spoken of by itself says enough.
            is_said = len(ref.columns) > 1 and any(
                (ref.child.name, each) in spoken_of for each in ref.columns
            )
            if _identity(ref) not in seen and not is_said:
                yield self._implicit(ref, "detected")

    def _declared(self) -> Iterator[RelationRef]:
        for field in ("implicit", "extend_implicit"):
            yield from self._known(field, names.relation)
        root = self.target.table
        for each in self.memberships:
            yield RelationRef(each.member.table, (each.member.name,), root, root.primary_key)
            yield RelationRef(each.group.table, (each.group.name,), each.key.table, (each.key.name,))

    def _foreign(self, key: ForeignKey) -> Relation:
        nullable = self._nullable(key.child, key.child_columns)
        return self._decided(by_foreign_key(self.catalog, key, nullable))

    def _implicit(self, ref: RelationRef, origin: Origin) -> Relation:
        bare = Relation(
            ref.child.name,
            ref.columns,
            ref.parent.name,
            ref.parent_columns,
            Policy.FOLLOW,
            origin,
            json_path=ref.json_path,
            as_text=ref.as_text,
            adapted=names.adapted(
                ref.child, ref.columns, ref.parent, ref.parent_columns, as_text=ref.as_text
            ),
            nullable=() if ref.json_path else self._nullable(ref.child.name, ref.columns),
        )
        return self._decided(bare)

    def _nullable(self, child: TableName, names_: tuple[str, ...]) -> tuple[str, ...]:
        columns = (self.catalog.tables[child].column(name) for name in names_)
        return tuple(c.name for c in columns if c is not None and c.nullable and not c.generated)

    def _decided(self, relation: Relation) -> Relation:
        """The relation with its policy, and why it has it."""
        stated = self._stated(relation)
        if stated is not None:
            policy, key = stated
            self._possible(policy, relation)
            said = f"purge.policies: {policy}" + ("" if key is None else f" to {key}")
            nullable = self._columns_to_null(relation) if policy is Policy.NULL else relation.nullable
            return dataclasses.replace(relation, policy=policy, reassign_to=key, why=said, nullable=nullable)
        policy, why = self._unstated(relation)
        return dataclasses.replace(relation, policy=policy, why=why)

    def _unstated(self, relation: Relation) -> tuple[Policy, str]:
        if relation.origin == "detected":
            return Policy.SUSPECT, "named like one"
        key = relation.foreign_key
        if key is not None and key.on_delete.detaches:
            action = key.on_delete.name.replace("_", " ")
            return Policy.SERVER, f"ON DELETE {action}"
        if relation.child in self.selected:
            return Policy.REFUSE, f"rows of {relation.child} are chosen, not reached"
        named = (*relation.columns, *relation.json_path[-1:])
        actor = next((p for column in named for p in self._actor(relation.child, column)), None)
        if actor is not None:
            return Policy.REFUSE, f"an actor, by {actor}"
        return Policy.FOLLOW, "an owner"

    def _possible(self, stated: Policy, relation: Relation) -> None:
        column = f"{relation.child}.{', '.join(relation.columns)}"
        columns = map(self.catalog.tables[relation.child].column, relation.columns)
        if stated is Policy.REASSIGN and any(each is not None and each.generated for each in columns):
            raise errors.ConfigurationError(f"purge.policies: {column} is generated and cannot be reassigned")
        if stated is Policy.LEAVE and relation.foreign_key is not None:
            raise errors.ConfigurationError(f"purge.policies: {column} has a foreign key and cannot be left")
        if stated is Policy.FOLLOW and relation.child in self.selected:
            raise errors.ConfigurationError(
                f"purge.policies: rows of {relation.child} are chosen, {column} cannot be followed to them"
            )
        if stated is Policy.REASSIGN and (len(relation.columns) > 1 or relation.json_path):
            raise errors.ConfigurationError(
                f"purge.policies: {relation} cannot be reassigned: no plain column"
            )

    def _columns_to_null(self, relation: Relation) -> tuple[str, ...]:
        """The columns that are set to NULL: one is enough to refer to nothing, where the key does not want all."""
        if relation.foreign_key is not None and relation.foreign_key.match_full:
            return relation.nullable
        return tuple(each for each in relation.nullable if (relation.child, each) in self.policies)

    def _stated(self, relation: Relation) -> tuple[Policy, str | None] | None:
        said = (self.policies.get((relation.child, column)) for column in relation.columns)
        return next((each for each in said if each is not None), None)

    def _actor(self, child: TableName, column: str) -> Iterator[str]:
        """The patterns by which the column is an actor."""
        spelled = set(names.spellings(self.catalog, child, column))
        for pattern in self.settings.actors:
            if any(fnmatch.fnmatchcase(name, pattern) for name in spelled):
                yield pattern

    def _known_actors(self) -> None:
        """A pattern without a wildcard means one column, or all of a name."""
        if "actors" not in self.settings.given:
            return
        columns = (
            (table.name, column.name) for table in self.catalog.tables.values() for column in table.columns
        )
        spelled = {each for pair in columns for each in names.spellings(self.catalog, *pair)}
        for pattern in self.settings.actors:
            if pattern not in spelled and not re.search(r"[*?\[]", pattern):
                self._miss("actors", pattern)

    def _policies(self) -> Mapping[tuple[TableName, str], tuple[Policy, str | None]]:
        found: dict[tuple[TableName, str], tuple[Policy, str | None]] = {}
        for said in map(names.policy, self.settings.policies):
            if said.policy not in _STATED or (said.key is not None) != (said.policy == Policy.REASSIGN):
                given = said.policy if said.key is None else f"{said.policy}:{said.key}"
                raise errors.ConfigurationError(
                    f"purge.policies: {given} is no policy",
                    hint=f"one of {', '.join(_STATED)}; reassign as reassign:KEY",
                )
            column = names.column(self.catalog, said.column)
            if column is None:
                self._miss("policies", f"{said.column}={said.policy}")
            else:
                found[column.table.name, column.name] = Policy(said.policy), said.key
        return found

    def _known(self, field: str, parse: Callable[[Catalog, str], Found | None]) -> Iterator[Found]:
        """What the settings name, as far as it is in this database."""
        for text in getattr(self.settings, field):
            found = parse(self.catalog, text)
            if found is None:
                self._miss(field, text)
            else:
                yield found

    def _miss(self, field: str, text: str) -> None:
        """The defaults name tables of Notify, which need not be here; what somebody wrote should be."""
        if field in self.settings.given:
            self.unknown.append(f"purge.{field}: {text}")


def _require_keys(memberships: Sequence[MembershipRef], root: Table) -> None:
    """A member is known by the root's primary key, and a group by one column."""
    keys: dict[TableName, ColumnRef] = {}
    for membership in memberships:
        said, group = f"purge.owned_through: {membership}", membership.key.table
        if not group.primary_key:
            raise errors.ConfigurationError(f"{group.name} has no primary key to purge by")
        if len(root.primary_key) != 1:
            raise errors.ConfigurationError(
                f"{said}: {root.name} has no primary key of one column to know members by"
            )
        if keys.setdefault(group.name, membership.key) != membership.key:
            raise errors.ConfigurationError(f"{said}: {group.name} is known by {keys[group.name]} already")
        theirs = ColumnRef(root, root.primary_key[0])
        for one, other in ((membership.member, theirs), (membership.group, membership.key)):
            if not names.comparable(one.type, other.type):
                raise errors.ConfigurationError(f"{said}: {one} is not of the type of {other}")


def _identity(ref: RelationRef) -> _Identity:
    return ref.child.name, ref.columns, ref.json_path, ref.parent.name
