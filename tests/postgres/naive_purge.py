"""What a purge has to do, found by looking at one row after the other: slow, and without any SQL."""

from __future__ import annotations

import re
from collections import Counter

from postgres.purge_support import PREFIX
from postgres.random_schemas import Reference, Row, Table, World

#: Rows by their table and their place in it.
Going = set[tuple[Table, int]]
#: The policies by which a row stays and changes.
LETTING_GO = ("null", "server", "reassign")
_TAGGED = re.compile(r"[^@]*\+[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}@[^@]+", re.IGNORECASE)


def going(world: World) -> Going:
    """The rows that go."""
    found = _users(world)
    for group in world.selected[1:]:
        found |= {
            (group, place) for place, row in enumerate(group.rows) if _is_owned(world, group, row, found)
        }
    followed = [reference for reference in world.references if reference.policy == "follow"]
    waiting = list(found)
    while waiting:
        table, place = waiting.pop()
        for reference in followed:
            if reference.parent is table:
                new = [hit for hit in _referring(reference, table.rows[place]) if hit not in found]
                found |= set(new)
                waiting += new
    return found


def standing(world: World, gone: Going) -> dict[str, int]:
    """How many rows stay that refer to rows that go, by relation."""
    unfollowed = [each for each in world.references if each.policy not in ("follow", "waived")]
    counts = {str(reference): len(dangling(reference, gone)) for reference in unfollowed}
    return {relation: rows for relation, rows in counts.items() if rows}


def dangling(reference: Reference, gone: Going) -> set[tuple[Table, int]]:
    """The rows that stay and refer to one that goes."""
    parents = [row for place, row in enumerate(reference.parent.rows) if (reference.parent, place) in gone]
    return {hit for parent in parents for hit in _referring(reference, parent)} - gone


def is_blocked(world: World, gone: Going) -> bool:
    """Whether anything forbids it."""
    hanging = [reference for reference in world.references if dangling(reference, gone)]
    loose = Counter(r.child for r in hanging if r.policy in LETTING_GO and not r.child.primary)
    return (
        any(is_protected(world, table, table.rows[place]) for table, place in gone)
        or any(map(_forbids, hanging))
        # Nothing would tell which row it was when it is to be put back.
        or any(ways > 1 for ways in loose.values())
        # Nothing would tell whose group it is.
        or any(len({str(row["id"]) for row in m.group.rows}) < len(m.group.rows) for m in world.memberships)
    )


def shared_groups(world: World, gone: Going) -> Counter[str]:
    """How many groups lose members and stay, for each way of being a member."""
    users = {row["id"] for place, row in enumerate(world.root.rows) if (world.root, place) in gone}
    return Counter(
        str(m)
        for m in world.memberships
        for place, row in enumerate(m.group.rows)
        if (m.group, place) not in gone
        and any(link[m.column] == row["id"] and link[m.member] in users for link in m.link.rows)
    )


def after(world: World, gone: Going) -> dict[Table, dict[int, dict[str, str | None]]]:
    """The rows that stay, by their places, with what has changed in them."""
    left: dict[Table, dict[int, dict[str, str | None]]] = {
        table: {place: {} for place in range(len(table.rows)) if (table, place) not in gone}
        for table in world.tables
    }
    for reference in world.references:
        if reference.policy in LETTING_GO:
            for table, place in dangling(reference, gone):
                left[table][place] |= {
                    column: _instead(reference, column) for column in letting_go(reference)
                }
    return left


def letting_go(reference: Reference) -> list[str]:
    """The columns that change in rows that stay without their parent."""
    must_be_null = reference.reassign_to is None
    return [c for c in reference.lets_go if not (must_be_null and c in reference.child.required)]


def is_protected(world: World, table: Table, row: Row) -> bool:
    return len(table.primary) == 1 and str(row[table.primary[0]]) in world.settings["protected"]


def _instead(reference: Reference, column: str) -> str | None:
    value = reference.reassign_to
    if "SET DEFAULT" in (reference.clause or ""):
        value = reference.child.defaults.get(column)
    return None if value is None else str(value)


def _forbids(reference: Reference) -> bool:
    return reference.policy in ("refuse", "suspect") or (
        reference.policy == "null" and not letting_go(reference)
    )


def _users(world: World) -> Going:
    return {
        (world.root, place)
        for place, row in enumerate(world.root.rows)
        if _begins(world, str(row["email_address"]))
        and _TAGGED.fullmatch(str(row["email_address"]))
        and not row["is_admin"]
        and not is_protected(world, world.root, row)
    }


def _begins(world: World, address: str) -> bool:
    if world.settings["ignore_case"]:
        return address.lower().startswith(PREFIX.lower())
    return address.startswith(PREFIX)


def _is_owned(world: World, group: Table, row: Row, users: Going) -> bool:
    """All of its members go, or some and it is listed; or it has none, and somebody who goes has made it."""
    if is_protected(world, group, row):
        return False
    leaving = [world.root.rows[place] for table, place in users if table is world.root]
    members = [
        link[m.member]
        for m in world.memberships
        if m.group is group
        for link in m.link.rows
        if link[m.column] is not None and link[m.column] == row["id"]
    ]
    if members:
        ids = {user["id"] for user in leaving}
        is_listed = str(row["id"]) in world.settings["delete_shared"]
        return set(members) <= ids or (is_listed and not ids.isdisjoint(members))
    return any(
        founder.refers(row, user) for founder in world.founders if founder.child is group for user in leaving
    )


def _referring(reference: Reference, parent: Row) -> list[tuple[Table, int]]:
    child = reference.child
    return [(child, place) for place, row in enumerate(child.rows) if reference.refers(row, parent)]
