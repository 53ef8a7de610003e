"""The roles that links play, and whose rows a table holds: users', services' or those of both together."""

from __future__ import annotations

from collections.abc import Iterator

from purge_check.catalog import Connection, Link, Table, link, read_tables
from purge_check.profiles import Profile

USERS, SERVICES, MEMBERS = "users", "services", "user_to_service"
Level = frozenset[str]
OF_USERS, OF_SERVICES, OF_MEMBERS = Level({USERS}), Level({SERVICES}), Level({USERS, SERVICES})


class Schema:
    """The tables of one database, seen with a profile."""

    def __init__(self, conn: Connection, profile: Profile) -> None:
        self.profile = profile
        self.tables = read_tables(conn)
        self.implicit = tuple(self._known_implicit())
        self.links = {name: self._links_of(table) for name, table in self.tables.items()}
        self.levels = {name: self._level(name, set()) for name in self.tables}

    def is_reference(self, table: str) -> bool:
        return table in self.profile.reference

    def is_actor(self, found: Link) -> bool:
        """Whether the link tells who did something, which is no ownership."""
        name = found.json_key or found.columns[0]
        spelled = f"{found.child}.{name}"
        is_subject = name == "user_id" or spelled in self.profile.subjects
        return found.parent == USERS and (spelled in self.profile.inviters or not is_subject)

    def is_lent(self, found: Link) -> bool:
        """Whether the row outlives the one that it refers to."""
        return f"{found.child}.{found.columns[0]}" in self.profile.lent

    def owners(self, table: str) -> tuple[Link, ...]:
        """The links to rows without which a row of the table has no sense."""
        return tuple(
            found
            for found in self.links[table]
            if not (self.is_reference(found.parent) or self.is_actor(found) or self.is_lent(found))
        )

    def actors(self) -> tuple[Link, ...]:
        return tuple(found for links in self.links.values() for found in links if self.is_actor(found))

    def may_be_null(self, found: Link) -> bool:
        """Whether a row may be without the link, while all columns of its other links are set."""
        if found.json_key:
            return False
        others = {
            column
            for other in self.links[found.child]
            if other.columns != found.columns
            for column in other.columns
        }
        columns = self.tables[found.child].columns
        return any(not columns[name].is_required for name in found.columns if name not in others)

    def unexplained(self) -> Iterator[str]:
        """What the profile would have to tell, so that nothing is left out silently."""
        for name in sorted(self.profile.reference - self.tables.keys()):
            yield f"{name} is in the profile and not in the database"
        for name, table in self.tables.items():
            if not self.is_reference(name) and not self.levels[name]:
                yield f"{name}: neither users' nor services', and no reference table"
            linked = {column for found in self.links[name] for column in found.columns}
            own = set(table.primary_key) if len(table.primary_key) == 1 else set()
            for column in table.columns.values():
                free = f"{name}.{column.name}" in self.profile.free
                if column.type == "uuid" and column.name not in linked | own and not free:
                    yield f"{name}.{column.name}: nobody says what it refers to"

    def _known_implicit(self) -> Iterator[Link]:
        for found in map(link, self.profile.implicit):
            child, parent = self.tables.get(found.child), self.tables.get(found.parent)
            if child and parent and set(found.columns) <= child.columns.keys():
                yield found

    def _links_of(self, table: Table) -> tuple[Link, ...]:
        keyed = {(found.columns, found.parent) for found in table.foreign_keys}
        more = (f for f in self.implicit if f.child == table.name and (f.columns, f.parent) not in keyed)
        return (*table.foreign_keys, *more)

    def _level(self, table: str, seen: set[str]) -> Level:
        if table in (USERS, SERVICES):
            return Level({table})
        if self.is_reference(table) or table in seen:
            return Level()
        seen.add(table)
        lent = tuple(found for found in self.links[table] if self.is_lent(found))
        parents = {found.parent for found in (*self.owners(table), *lent)}
        return Level().union(*(self._level(parent, seen) for parent in parents))
