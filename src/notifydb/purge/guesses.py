"""What the names in a foreign schema suggest: who is a person, what is a group, who owns and who only acted."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Final

from notifydb.postgres.relations import Catalog, ForeignKey, Table, TableName
from notifydb.purge.detect import words
from notifydb.purge.names import ColumnRef, MembershipRef


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Whatever the schema is, columns named like this tell who did something.
ACTORS: Final = ("*_by_id", "*_by")
_PEOPLE: Final = _words(
    """
    user account person people member customer client profile identity login
    """
)
_ADDRESSES: Final = _words(
    """
    email emailaddress mail mailaddress
    """
)
#: Words beside an address that is not the person's own.
_OTHER_ADDRESSES: Final = _words(
    """
    from reply billing contact contacts sender template recipient domain support notification
    verified
    """
)
_OWNERS: Final = _words(
    """
    owner author holder subscriber sender recipient participant poster uploader owned_by belongs_to
    """
)
_FOUNDERS: Final = _words(
    """
    created_by created_by_user creator owner owner_user owned_by founder founded_by author made_by
    """
)
_MEMBERS: Final = _words(
    """
    member membership collaborator staff seat employee
    """
)
_GROUPS: Final = _words(
    """
    service organisation organization org team company tenant workspace project club site shop
    store account business school household
    """
)
#: What links people to things that are not theirs.
_INTERESTS: Final = _words(
    """
    like vote favourite favorite follow follower subscription subscriber bookmark watch watcher read
    view star attendee tag rating reaction role permission notification
    """
)
_INVITATIONS: Final = _words(
    """
    invite invited invitation
    """
)
_POWERS: Final = _words(
    """
    superuser is_superuser admin is_admin staff is_staff platform_admin is_platform_admin is_system
    system is_root is_protected protected
    """
)
_AGES: Final = (
    "created_at", "created_on", "created", "date_joined", "joined_at", "joined", "registered_at",
    "inserted_at", "creation_date", "signup_at",
)  # fmt: skip
_TEXTS: Final = ("text", "character varying")
_FEW: Final = 2


def roots(catalog: Catalog) -> Iterator[tuple[int, ColumnRef]]:
    """Columns that may hold the addresses of people, each with how much its names speak for it.

    Without a word of mail in it, a column needs rows that speak for it: it gets less than 6.
    """
    for table in catalog.tables.values():
        for column in table.columns if table.primary_key else ():
            address = _address(words(column.name))
            people = _people(words(table.name.name))
            if address > 0 or (address == 0 and people and column.type in _TEXTS):
                children = {key.child for key in catalog.foreign_keys if key.parent == table.name}
                yield (
                    people + address + min(len(children), 4) // (1 if address else 4),
                    ColumnRef(table, column.name),
                )


def _people(named: tuple[str, ...]) -> int:
    return 4 if named and named[-1] in _PEOPLE else 2 * bool(_PEOPLE & set(named))


def _address(named: tuple[str, ...]) -> int:
    if "mail" not in "".join(named):
        return 0
    if "".join(named) in _ADDRESSES:
        return 4
    return -1 if _OTHER_ADDRESSES & set(named) else 2


def is_owner(root: TableName, columns: tuple[str, ...], child: Table) -> bool:
    """Whether a relation to the root tells whose the row is, and not only who did something.

    Who is invited has no row yet: a person in an invitation is the one who invites.
    """
    if _INVITATIONS & set(words(child.name.name)):
        return False
    return is_person(root, columns[-1]) or columns == child.primary_key


def is_person(root: TableName, name: str) -> bool:
    """Whether a column or key called `name` plainly means a row of the root."""
    base, named = _base(name), words(root.name)
    return base in {"_".join(named), named[-1], *_PEOPLE, *_OWNERS}


def memberships(catalog: Catalog, root: Table) -> tuple[tuple[MembershipRef, ...], tuple[MembershipRef, ...]]:
    """Links between people and what they have in common: those to use, and those that one may think about."""
    best: dict[TableName, tuple[int, MembershipRef]] = {}
    for table in catalog.tables.values():
        for score, link in _links(catalog, root, table):
            group = link.key.table.name
            if group not in best or score > best[group][0]:
                best[group] = score, link
    found = [link for _, link in best.values()]
    founded = [link for link in found if any(founders(catalog, root, link.key.table))]
    # Where people make some of the groups, the others are given to them.
    used = founded or [link for link in found if _GROUPS & set(words(link.key.table.name.name))]
    return tuple(used), tuple(link for link in found if link not in used)


def founders(catalog: Catalog, root: Table, group: Table) -> Iterator[ColumnRef]:
    """The columns of a group that tell who made it."""
    for key in _single(catalog, group):
        if key.parent == root.name and _base(key.child_columns[0]) in _FOUNDERS:
            yield ColumnRef(group, key.child_columns[0])


def protections(root: Table) -> Iterator[ColumnRef]:
    """The columns of the root that tell of somebody with powers."""
    for column in root.columns:
        if column.type == "boolean" and "_".join(words(column.name)) in _POWERS:
            yield ColumnRef(root, column.name)


def age(root: Table) -> ColumnRef | None:
    """The column that tells since when a row of the root is there."""
    dated = {
        "_".join(words(c.name)): c.name for c in root.columns if c.type.startswith(("timestamp", "date"))
    }
    return next((ColumnRef(root, dated[name]) for name in _AGES if name in dated), None)


def is_actor(column: str) -> bool:
    """Whether one of ACTORS says so."""
    return any(fnmatch.fnmatchcase(column, pattern) for pattern in ACTORS)


def _links(catalog: Catalog, root: Table, link: Table) -> Iterator[tuple[int, MembershipRef]]:
    keys = _single(catalog, link)
    members = [k for k in keys if k.parent == root.name and k.parent_columns == root.primary_key[:1]]
    members = [k for k in members if is_owner(root.name, k.child_columns, link)]
    for key in keys:
        group = catalog.tables[key.parent]
        if len(members) == 1 and group.name not in (root.name, link.name) and group.primary_key:
            score = _belonging(root, link, group)
            if score >= _FEW and _has_contents(catalog, root, group):
                yield (
                    score,
                    MembershipRef(
                        ColumnRef(link, members[0].child_columns[0]),
                        ColumnRef(link, key.child_columns[0]),
                        ColumnRef(group, key.parent_columns[0]),
                    ),
                )


def _belonging(root: Table, link: Table, group: Table) -> int:
    """How much a link's name speaks for its being a membership."""
    named = set(words(link.name.name))
    both = {words(root.name.name)[-1], words(group.name.name)[-1]} <= named
    roles = any({"role", "admin", "owner", "permission"} & set(words(column.name)) for column in link.columns)
    interest = bool(_INTERESTS & named)
    return 3 * bool(_MEMBERS & named) + 3 * both + roles - 4 * interest


def _has_contents(catalog: Catalog, root: Table, group: Table) -> bool:
    """Whether something is owned through it."""
    children = {key.child for key in catalog.foreign_keys if key.parent == group.name} - {root.name}
    return any(not _is_link(catalog, catalog.tables[name]) for name in children)


def _is_link(catalog: Catalog, table: Table) -> bool:
    """Whether a table is little more than two foreign keys."""
    keys = [set(key.child_columns) for key in catalog.foreign_keys if key.child == table.name]
    keyed = set[str]().union(*keys)
    return len(keys) == _FEW and len(table.columns) - len(keyed) <= _FEW


def _single(catalog: Catalog, table: Table) -> list[ForeignKey]:
    return [k for k in catalog.foreign_keys if k.child == table.name and len(k.child_columns) == 1]


def _base(column: str) -> str:
    """`ownerUserId` as `owner_user`."""
    return "_".join(word for word in words(column) if word not in ("id", "uuid", "fk", "key"))
