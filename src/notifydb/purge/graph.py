"""The relations that matter to a purge, each with its policy, and the order in which to walk them."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from notifydb import errors
from notifydb.postgres.relations import Catalog, ForeignKey, TableName
from notifydb.purge import detect, names
from notifydb.purge.components import components, is_cyclic
from notifydb.purge.names import ColumnRef, MembershipRef, RelationRef
from notifydb.purge.relation import Origin, Policy, Relation
from notifydb.purge.target import Target
from notifydb.settings.model import PurgeSettings

Found = TypeVar("Found")


@dataclasses.dataclass(frozen=True, slots=True)
class Graph:
    """`selected` tables hold rows that were chosen; `walk` are the tables owned by them, parents first.

    `relations` are those whose parent is one of these; `unknown` names settings that fit nothing here.
    """

    root: TableName
    memberships: tuple[MembershipRef, ...]
    founders: tuple[ColumnRef, ...]
    relations: tuple[Relation, ...]
    walk: tuple[tuple[TableName, ...], ...]
    cyclic: frozenset[TableName]
    unknown: tuple[str, ...]

    @property
    def groups(self) -> tuple[TableName, ...]:
        return tuple(dict.fromkeys(membership.key.table.name for membership in self.memberships))

    @property
    def selected(self) -> tuple[TableName, ...]:
        """In the order in which they are locked: a message's insert locks its service, then its user."""
        return (*self.groups, self.root)

    @property
    def tables(self) -> tuple[TableName, ...]:
        return (*self.selected, *(table for component in self.walk for table in component))

    def owners_of(self, child: TableName) -> tuple[Relation, ...]:
        """The relations by which rows of `child` go."""
        if child in self.selected:
            return ()
        return tuple(r for r in self.relations if r.child == child and r.policy is Policy.FOLLOW)

    def parent_columns(self, parent: TableName) -> tuple[tuple[str, ...], ...]:
        """The keys of `parent` that something may refer to; none for a leaf."""
        return tuple(dict.fromkeys(r.parent_columns for r in self.relations if r.parent == parent))


def read_graph(catalog: Catalog, target: Target, settings: PurgeSettings) -> Graph:
    """Classifies every relation; raises ConfigurationError for settings that contradict the database."""
    reader = _Reader(catalog, target, settings)
    relations = tuple(reader.relations())
    reached = _reached(reader.selected, relations)
    owned = {name: _owner_tables(name, relations, reached) for name in reached - reader.selected}
    walk = components({name: owned[name] for name in sorted(owned)})
    return Graph(
        target.table.name,
        reader.memberships,
        reader.founders,
        tuple(relation for relation in relations if relation.parent in reached),
        tuple(walk),
        frozenset(name for component in walk if is_cyclic(component, owned) for name in component),
        tuple(reader.unknown),
    )


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
        for membership in self.memberships:
            if not membership.key.table.primary_key:
                raise errors.ConfigurationError(f"{membership.key.table.name} has no primary key to purge by")
        groups = {membership.key.table.name for membership in self.memberships}
        self.selected = frozenset({target.table.name, *groups})
        founders = self._known("owned_when_empty", names.column)
        self.founders = tuple(column for column in founders if column.table.name in groups)
        self.policies = self._policies()

    def relations(self) -> Iterator[Relation]:
        """Foreign keys first, so that what is declared again is not counted twice."""
        for key in self.catalog.foreign_keys:
            yield self._foreign(key)
        seen = {
            (key.child, key.child_columns[0], key.parent)
            for key in self.catalog.foreign_keys
            if len(key.child_columns) == 1
        }
        seen |= {_identity(ref) for ref in self._known("waived", names.relation)}
        for ref in self._declared():
            if _identity(ref) not in seen:
                seen.add(_identity(ref))
                yield self._implicit(ref, "declared")
        for ref in detect.suspects(self.catalog):
            if _identity(ref) not in seen:
                yield self._implicit(ref, "detected")

    def _declared(self) -> Iterator[RelationRef]:
        yield from self._known("implicit", names.relation)
        root = ColumnRef(self.target.table, self.target.table.primary_key[0])
        for membership in self.memberships:
            yield RelationRef(membership.member, root, None)
            yield RelationRef(membership.group, membership.key, None)

    def _foreign(self, key: ForeignKey) -> Relation:
        policy = self._policy(key.child, key.child_columns, key)
        return Relation(
            key.child,
            key.child_columns,
            key.parent,
            key.parent_columns,
            policy,
            "foreign key",
            key,
            nullable=self._nullable(key.child, key.child_columns),
        )

    def _nullable(self, child: TableName, names_: tuple[str, ...]) -> tuple[str, ...]:
        columns = (self.catalog.tables[child].column(name) for name in names_)
        return tuple(column.name for column in columns if column is not None and column.nullable)

    def _implicit(self, ref: RelationRef, origin: Origin) -> Relation:
        child, parent = ref.child.table.name, ref.parent.table.name
        policy = self._policy(child, (ref.child.name,), None)
        if origin == "detected" and not self._stated(child, (ref.child.name,)):
            policy = Policy.SUSPECT
        as_text = ref.json_key is not None or ref.child.type != ref.parent.type
        nullable = () if ref.json_key else self._nullable(child, (ref.child.name,))
        return Relation(
            child,
            (ref.child.name,),
            parent,
            (ref.parent.name,),
            policy,
            origin,
            json_key=ref.json_key,
            as_text=as_text,
            nullable=nullable,
        )

    def _policy(self, child: TableName, columns: tuple[str, ...], key: ForeignKey | None) -> Policy:
        stated = self._stated(child, columns)
        if stated is not None:
            self._possible(stated, child, columns, key)
            return stated
        if key is not None and key.on_delete.detaches:
            return Policy.SERVER
        if child in self.selected or any(self._is_actor(child, column) for column in columns):
            return Policy.REFUSE
        return Policy.FOLLOW

    def _possible(
        self, stated: Policy, child: TableName, columns: tuple[str, ...], key: ForeignKey | None
    ) -> None:
        column = f"{child}.{', '.join(columns)}"
        if stated is Policy.LEAVE and key is not None:
            raise errors.ConfigurationError(f"purge.policies: {column} has a foreign key and cannot be left")
        if stated is Policy.FOLLOW and child in self.selected:
            raise errors.ConfigurationError(
                f"purge.policies: rows of {child} are chosen, {column} cannot be followed to them"
            )

    def _stated(self, child: TableName, columns: tuple[str, ...]) -> Policy | None:
        said = (self.policies.get((child, column)) for column in columns)
        return next((policy for policy in said if policy is not None), None)

    def _is_actor(self, child: TableName, column: str) -> bool:
        spelled = (column, f"{child}.{column}")
        return any(fnmatch.fnmatchcase(name, p) for p in self.settings.actors for name in spelled)

    def _policies(self) -> Mapping[tuple[TableName, str], Policy]:
        allowed = (Policy.FOLLOW, Policy.REFUSE, Policy.NULL, Policy.LEAVE)
        found: dict[tuple[TableName, str], Policy] = {}
        for text, said in map(names.policy, self.settings.policies):
            if said not in allowed:
                raise errors.ConfigurationError(
                    f"purge.policies: {said} is no policy", hint=f"one of {', '.join(allowed)}"
                )
            column = names.column(self.catalog, text)
            if column is None:
                self._miss("policies", f"{text}={said}")
            else:
                found[column.table.name, column.name] = Policy(said)
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


def _identity(ref: RelationRef) -> tuple[TableName, str, TableName]:
    return ref.child.table.name, ref.child.name, ref.parent.table.name
