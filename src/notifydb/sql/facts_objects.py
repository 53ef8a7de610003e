"""Facts about what is neither a table nor a column: types, functions, sequences, triggers, policies, privileges."""

from __future__ import annotations

import dataclasses

from notifydb.sql.names import Relation, TypeName


@dataclasses.dataclass(frozen=True, slots=True)
class CreateObject:
    """CREATE of a type, domain, function, sequence, extension, schema, trigger, policy, rule ...

    `kind` is what SQL calls it, in lower case; `relation` the table that a trigger, policy or rule is on.
    `arguments` are the types of a function's input, `labels` the values of an enum.
    """

    kind: str
    name: Relation
    relation: Relation | None = None
    arguments: tuple[TypeName, ...] | None = None
    labels: tuple[str, ...] = ()
    replace: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class DropObject:
    """DROP of anything but a table or index; `relation` as in `CreateObject`, and a materialized view itself.

    `arguments` are None for what has none, and for a function that is named without them.
    """

    kind: str
    name: Relation
    relation: Relation | None = None
    arguments: tuple[TypeName, ...] | None = None
    if_exists: bool = False
    cascade: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class RenameObject:
    """RENAME TO or SET SCHEMA of anything but a table, view, column, index or constraint.

    For an enum's value `kind` is `enum value`, `name` the type, and `value` the old value. `schema` is given
    where the object moves to another schema instead.
    """

    kind: str
    name: Relation
    new_name: str
    schema: str | None = None
    value: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class AlterObject:
    """ALTER of a type, view, function, extension or policy that renames nothing; `action` says what."""

    kind: str
    name: Relation
    action: str = ""
    relation: Relation | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Revoke:
    """REVOKE of `privileges` (none stands for ALL) on objects of one kind, or of a role's membership."""

    kind: str
    names: tuple[Relation, ...]
    privileges: tuple[str, ...]
    roles: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SetSequence:
    """ALTER SEQUENCE ... RESTART, ALTER COLUMN ... RESTART or `setval`.

    What it is of is told by `sequence`, or by the `relation` and `column` whose numbers it makes; by neither
    where that is computed. `value` is the next number, None where it is computed.
    """

    value: int | None
    sequence: Relation | None = None
    relation: Relation | None = None
    column: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class AddEnumValue:
    """ALTER TYPE ... ADD VALUE; `ordered` where BEFORE or AFTER says its place."""

    type: str
    value: str
    ordered: bool = False
