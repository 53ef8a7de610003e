"""Random schemas of test users and what is theirs, and the settings a purge needs for them: one for each seed."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator
from typing import Any, Final

Value = int | str | bool | None
Row = dict[str, Value]

KEY_TYPES: Final = ("integer", "bigint", "uuid", "text")
#: What a column holds that no key has a part in, as constants of SQL.
PAYLOADS: Final = {
    "text": ("'plain'", "''", r"E'tab\tnew\nline \\ and \\N'", r"E'\\.'", "'NULL'", "'żółw 🐢'", "NULL"),
    "bytea": (r"'\x00ff5c0a09'", "''", "NULL"),
    "jsonb": ("""'{"a": [1, "x\\\\y"], "ü": null}'""", "'null'", "NULL"),
    "json": ("""'{"b":  1, "a": 2}'""", "NULL"),
    "numeric": ("1.50", "'NaN'", "123456789012345678901234567890.000001", "NULL"),
    "double precision": ("0.1", "'-Infinity'", "'NaN'", "5e-324", "NULL"),
    "timestamptz": ("'2026-03-29 01:30:00+00'", "'infinity'", "'0044-03-15 BC'", "NULL"),
    "interval": ("'1 year -3 days 04:05:06.789'", "NULL"),
    "text[]": ("""'{a,"b,c",NULL,"d\\\\e"}'""", "'{}'", "'[2:3]={x,y}'", "NULL"),
    "inet": ("'2001:db8::1/64'", "NULL"),
    "int4range": ("'[1,5)'", "'empty'", "NULL"),
    '"char"': ("'x'", "NULL"),
    "mood": ("'fine'", "'so, so'", "NULL"),
    # Four of them fill a page.
    "character(1900)": ("'wide'",),
}
OWNING: Final = ("", "", "ON DELETE CASCADE", "ON DELETE RESTRICT")
WAITING: Final = ("", "", "DEFERRABLE", "DEFERRABLE INITIALLY DEFERRED")
ODD: Final = ('odd "name"', "per%cent", "co:lon", "Ünïcode", "select", "back\\slash")


@dataclasses.dataclass(slots=True, eq=False)
class Table:
    """`columns` are those of keys with their types, `payload` and `generated` are others; `rows` hold the former."""

    schema: str
    name: str
    key_type: str
    primary: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    partition: tuple[str, ...] = ()
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    payload: dict[str, str] = dataclasses.field(default_factory=dict)
    generated: dict[str, str] = dataclasses.field(default_factory=dict)
    defaults: Row = dataclasses.field(default_factory=dict)
    required: set[str] = dataclasses.field(default_factory=set)
    rows: list[Row] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = {"tenant": "integer", "id": self.key_type, "code": "text", **self.columns}
        self.required |= {"tenant", "id", *self.primary}

    def __str__(self) -> str:
        """As the settings spell it."""
        name = spelled(self.name)
        return name if self.schema == "public" else f"{self.schema}.{name}"

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def targets(self) -> list[tuple[str, ...]]:
        """What foreign keys can refer to."""
        return [key for key in (self.primary, *self.unique) if key in (("id",), ("code",), ("tenant", "id"))]


@dataclasses.dataclass(slots=True, eq=False)
class Reference:
    """Rows of `child` refer to rows of `parent`; `policy` is what the rules of purges say about it.

    `lets_go` are the columns that change where a row stays without its parent. Without a `clause` there is no
    foreign key.
    """

    child: Table
    columns: tuple[str, ...]
    parent: Table
    target: tuple[str, ...]
    policy: str
    clause: str | None = None
    json_key: str | None = None
    lets_go: tuple[str, ...] = ()
    reassign_to: Value = None

    def __str__(self) -> str:
        path = f"->>'{self.json_key}'" if self.json_key else ""
        if len(self.columns) > 1:
            return f"{self.child}({', '.join(self.columns)}) -> {self.parent}({', '.join(self.target)})"
        return f"{self.child}.{spelled(self.columns[0])}{path} -> {self.parent}.{self.target[0]}"

    def refers(self, row: Row, parent: Row) -> bool:
        """Whether the one row refers to the other."""
        pairs = [(row[ours], parent[theirs]) for ours, theirs in zip(self.columns, self.target, strict=True)]
        return all(ours is not None and str(ours) == str(theirs) for ours, theirs in pairs)


@dataclasses.dataclass(slots=True, eq=False)
class Membership:
    """A group goes when all the users go that rows of `link` make its members."""

    link: Table
    member: str
    column: str
    group: Table

    def __str__(self) -> str:
        return f"{self.link}({self.member} -> {self.column}) -> {self.group}(id)"


@dataclasses.dataclass(slots=True, eq=False)
class World:
    """A schema, its rows once they are made, and the words of the settings about it."""

    root: Table
    tables: list[Table]
    references: list[Reference]
    memberships: list[Membership]
    founders: list[Reference]
    settings: dict[str, Any]

    @property
    def selected(self) -> list[Table]:
        return [self.root, *dict.fromkeys(membership.group for membership in self.memberships)]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def spelled(name: str) -> str:
    """As the settings have it."""
    return name if name.isidentifier() else quoted(name)


def random_world(rng: random.Random) -> World:
    """3-15 tables without rows."""
    return _Maker(rng).world()


class _Maker:
    """Makes one world; what settings have to say is gathered on the way."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.number = 0
        self.said: dict[str, list[str]] = {
            name: [] for name in ("policies", "implicit", "waived", "owned_when_empty")
        }
        self.said["actors"] = ["*_by_id", "*_by"]

    def world(self) -> World:
        rng = self.rng
        root = self.table("users", primary=("id",), partition=())
        self.schemas = rng.choice([("public",), ("public", "app"), ("public", "app", "Audit")])
        root.schema = rng.choice(self.schemas)
        root.unique = (("code",), ("tenant", "id"))
        root.columns |= {"email_address": "text", "is_admin": "boolean"}
        self.tables = [root]
        self.references: list[Reference] = []
        memberships = list(self.groups(root))
        self.tables += [
            self.table(self.name(), None, None) for _ in range(rng.randint(2, 15 - len(self.tables)))
        ]
        for child in self.tables:
            self.refer(child, memberships)
        founders = [
            each for each in self.references if str(each).split(" -> ")[0] in self.said["owned_when_empty"]
        ]
        settings = {
            **self.said,
            "root": f"{root}.email_address",
            "protected_when": [f"{root}.is_admin"],
            "owned_through": [str(membership) for membership in memberships],
        }
        return World(root, self.tables, self.references, memberships, founders, settings)

    # -- tables --

    def name(self) -> str:
        self.number += 1
        return f"t{self.number}" if self.rng.random() < 0.85 else f"{self.rng.choice(ODD)} {self.number}"

    def table(self, name: str, primary: tuple[str, ...] | None, partition: tuple[str, ...] | None) -> Table:
        rng = self.rng
        if partition is None:
            kinds = [("HASH (id)",), ("LIST (tenant)",), ("LIST (tenant)", "HASH (id)")]
            partition = rng.choice(kinds) if rng.random() < 0.25 else ()
        whole = {"HASH (id)": {"id"}, "LIST (tenant)": {"tenant"}}
        needed = set().union(*(whole[level] for level in partition))
        if primary is None:
            primary = rng.choice([("id",), ("id",), ("id",), ("tenant", "id"), ()])
        possible = [key for key in (("id",), ("tenant", "id"), ("code",)) if needed <= set(key)]
        primary = primary if needed <= set(primary) or not primary else possible[0]
        unique = tuple(key for key in possible if key != primary and rng.random() < 0.4)
        schema = rng.choice(self.schemas) if name != "users" else "public"
        payload = {
            f"{rng.choice(['p', 'P ', 'p%', 'p:'])}{place}": type_
            for place, type_ in enumerate(rng.sample(list(PAYLOADS)[:-1], rng.randint(0, 3)))
        }
        if rng.random() < 0.6:
            payload["wide"] = "character(1900)"
        made = Table(schema, name, rng.choice(KEY_TYPES), primary, unique, partition, payload=payload)
        if rng.random() < 0.2:
            made.generated["twice"] = "integer GENERATED ALWAYS AS (tenant * 2) STORED"
        if rng.random() < 0.2 and not partition:
            made.generated["number"] = "integer GENERATED ALWAYS AS IDENTITY"
        return made

    def groups(self, root: Table) -> Iterator[Membership]:
        """Each with a link table or two; their tables become part of the world."""
        for _ in range(self.rng.choice([0, 0, 1, 1, 1, 2])):
            group = self.table(self.plain_name("g"), self.rng.choice([("id",), ("tenant", "id")]), None)
            if not group.partition and ("id",) not in (group.primary, *group.unique):
                group.unique = (*group.unique, ("id",))
            self.tables.append(group)
            for _ in range(self.rng.choice([1, 1, 1, 2])):
                link = self.table(self.plain_name("l"), self.rng.choice([("id",), ()]), ())
                self.tables.append(link)
                yield self.membership(root, link, group)

    def plain_name(self, letter: str) -> str:
        self.number += 1
        return f"{letter}{self.number}"

    def membership(self, root: Table, link: Table, group: Table) -> Membership:
        """By foreign keys or by custom: that a link goes with either end need not be said."""
        ends = self.column(link, root.key_type), self.column(link, group.key_type)
        for column, parent in zip(ends, (root, group), strict=True):
            key = ("id",) in parent.targets and self.rng.random() < 0.7
            clause = self.clause(self.rng.choice(OWNING)) if key else None
            self.references.append(Reference(link, (column,), parent, ("id",), "follow", clause))
        return Membership(link, *ends, group)

    # -- references --

    def refer(self, child: Table, memberships: list[Membership]) -> None:
        rng, root = self.rng, self.tables[0]
        is_link = any(membership.link is child for membership in memberships)
        is_group = any(membership.group is child for membership in memberships)
        if is_group and rng.random() < 0.7:
            self.founder(child, root)
        most = 1 if child is root or is_link else 3
        for _ in range(rng.randint(1 if most == 3 and not is_group else 0, most)):
            parent = rng.choice([*self.tables, *[root] * (len(self.tables) // 3), child])
            makers = [*[self.owner] * 5, self.actor, self.detached, self.stated]
            makers += [self.custom, self.custom, self.in_json, self.suspect, self.shared]
            reference = rng.choice(makers)(child, parent)
            if reference is not None:
                chosen = child is root or is_group
                if chosen and reference.policy == "follow":
                    reference.policy = "refuse"
                self.references.append(reference)

    def founder(self, group: Table, root: Table) -> None:
        """A column that names who made the group."""
        column = self.column(group, root.key_type)
        clause = self.rng.choice([None, "", "ON DELETE SET NULL"])
        policy = "server" if clause else "refuse"
        self.said["owned_when_empty"].append(f"{group}.{column}")
        if clause is None:
            self.said["implicit"].append(f"{group}.{column} -> {root}.id")
        lets_go = (column,) if policy == "server" else ()
        self.references.append(Reference(group, (column,), root, ("id",), policy, clause, lets_go=lets_go))

    def column(self, child: Table, type_: str, ending: str = "") -> str:
        """A new column; no other table has one of the same name, from which relations would be guessed."""
        self.number += 1
        name = f"k{self.number}{ending}"
        child.columns[name] = type_
        return name

    def clause(self, action: str) -> str:
        return f"{action} {self.rng.choice(WAITING)}".strip()

    def keyed(self, child: Table, parent: Table, ending: str = "") -> Reference | None:
        """Columns that can be a foreign key; the tenant may be the row's own."""
        if not parent.targets:
            return None
        target = self.rng.choice(parent.targets)
        type_ = "text" if target == ("code",) else parent.key_type
        name = self.column(child, type_, ending)
        if len(target) == 1:
            return Reference(child, (name,), parent, target, "follow", lets_go=(name,))
        if self.rng.random() < 0.6:
            return Reference(child, ("tenant", name), parent, target, "follow", lets_go=(name,))
        tenant = self.column(child, "integer")
        return Reference(child, (tenant, name), parent, target, "follow", lets_go=(tenant, name))

    def owner(self, child: Table, parent: Table) -> Reference | None:
        found = self.keyed(child, parent)
        if found is not None:
            found.clause = self.clause(self.rng.choice(OWNING))
        return found

    def actor(self, child: Table, parent: Table) -> Reference | None:
        """By its name, or because the settings say so."""
        by_name = self.rng.random() < 0.6
        found = self.keyed(child, parent, "_by_id" if by_name else "")
        if found is not None:
            found.policy, found.clause = "refuse", self.clause(self.rng.choice(OWNING))
            if not by_name:
                # A pattern, and matched against what is stored.
                self.said["actors"].append(f"*{child.name}.{found.columns[-1]}")
        return found

    def detached(self, child: Table, parent: Table) -> Reference | None:
        """The server lets it go."""
        found = self.keyed(child, parent)
        if found is None:
            return None
        found.policy = "server"
        if len(found.columns) == 1 and self.rng.random() < 0.3:
            found.clause = self.clause("ON DELETE SET DEFAULT")
        elif found.lets_go == found.columns:
            found.clause = self.clause("ON DELETE SET NULL")
        elif child.partition:
            # The server takes the columns' numbers for those of an attached partition.
            return None
        else:
            found.clause = self.clause(f"ON DELETE SET NULL ({found.lets_go[0]})")
        return found

    def stated(self, child: Table, parent: Table) -> Reference | None:
        """A foreign key whose policy is written down."""
        found = self.keyed(child, parent, self.rng.choice(["", "_by_id"]))
        if found is None:
            return None
        found.policy = self.rng.choice(["refuse", "null", "null", "follow", "reassign"])
        if found.policy == "reassign" and len(found.columns) > 1:
            found.policy = "null"
        if child in self.selected_now() and found.policy == "follow":
            found.policy = "null"
        single = [*OWNING, "ON DELETE SET NULL"] if len(found.columns) == 1 else [*OWNING]
        found.clause = self.clause(self.rng.choice(single))
        self.state(found)
        return found

    def state(self, reference: Reference) -> None:
        """To whom something is reassigned, the rows decide; what lets go is the column that it is said of."""
        if reference.policy == "null":
            reference.lets_go = reference.columns[-1:]
        if reference.policy != "reassign":
            self.said["policies"].append(f"{reference.child}.{reference.columns[-1]}={reference.policy}")

    def selected_now(self) -> list[Table]:
        return [self.tables[0], *(table for table in self.tables if table.name.startswith("g"))]

    def custom(self, child: Table, parent: Table) -> Reference | None:
        """A relation without a foreign key, maybe of another type."""
        type_ = self.rng.choice([parent.key_type, "text"])
        policy = self.rng.choice(["follow", "follow", "follow", "refuse", "null", "leave", "reassign"])
        name = self.column(child, type_, "_by" if policy == "refuse" else "")
        self.said["implicit"].append(f"{child}.{name} -> {parent}.id")
        made = Reference(child, (name,), parent, ("id",), policy, lets_go=(name,))
        if policy in ("null", "leave"):
            self.state(made)
        return made

    def in_json(self, child: Table, parent: Table) -> Reference:
        name = self.column(child, self.rng.choice(["json", "jsonb"]))
        self.said["implicit"].append(f"{child}.{name}->>'ref' -> {parent}.id")
        return Reference(child, (name,), parent, ("id",), "follow", json_key="ref")

    def suspect(self, child: Table, parent: Table) -> Reference | None:
        """It looks like a relation; nobody has said that it is one, or somebody that it is none."""
        name = f"{parent.name}_id"
        if (
            name in child.columns
            or len(parent.primary) != 1
            or parent.schema != child.schema
            or parent is child
        ):
            return None
        child.columns[name] = parent.key_type
        waived = self.rng.random() < 0.4
        if waived:
            self.said["waived"].append(f"{child}.{spelled(name)} -> {parent}.id")
        return Reference(child, (name,), parent, ("id",), "waived" if waived else "suspect")

    def shared(self, child: Table, parent: Table) -> Reference | None:
        """The child's rows have the keys of their parents, as those of a history."""
        is_later = self.tables.index(child) > self.tables.index(parent)
        has_one = any(each.child is child and each.columns == ("id",) for each in self.references)
        if has_one or not is_later or child.key_type != parent.key_type or child in self.selected_now():
            return None
        clause = self.clause(self.rng.choice(OWNING)) if ("id",) in parent.targets else None
        if clause is None or self.rng.random() < 0.5:
            self.said["implicit"].append(f"{child}.id -> {parent}.id")
            clause = None
        return Reference(child, ("id",), parent, ("id",), "follow", clause)
