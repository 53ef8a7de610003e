"""What a statement does, as typed facts that rules ask for."""

from __future__ import annotations

import dataclasses
import enum
from typing import Literal

from notifydb.sql.facts_objects import AddEnumValue as AddEnumValue
from notifydb.sql.facts_objects import AlterObject as AlterObject
from notifydb.sql.facts_objects import CreateObject as CreateObject
from notifydb.sql.facts_objects import DropObject as DropObject
from notifydb.sql.facts_objects import RenameObject as RenameObject
from notifydb.sql.facts_objects import Revoke as Revoke
from notifydb.sql.facts_objects import SetSequence as SetSequence
from notifydb.sql.names import Relation as Relation
from notifydb.sql.names import TypeName as TypeName


@dataclasses.dataclass(frozen=True, slots=True)
class Default:
    """A column's default: `functions` are the names that it calls, empty for a constant."""

    functions: tuple[str, ...] = ()
    is_null: bool = False


class ConstraintKind(enum.StrEnum):
    """What a constraint demands."""

    CHECK = "check"
    FOREIGN_KEY = "foreign key"
    NOT_NULL = "not null"
    UNIQUE = "unique"
    PRIMARY_KEY = "primary key"
    EXCLUDE = "exclude"


@dataclasses.dataclass(frozen=True, slots=True)
class CreateTable:
    """CREATE TABLE, CREATE TABLE AS, SELECT INTO or a materialized view; `columns` where they are written.

    `keys` are the columns of each primary key and UNIQUE, `foreign_keys` those of each foreign key.
    """

    relation: Relation
    temporary: bool = False
    if_not_exists: bool = False
    partition_of: Relation | None = None
    references: tuple[Relation, ...] = ()
    columns: tuple[AddColumn, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[tuple[str, ...], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class CreateView:
    """CREATE VIEW; `replace` where OR REPLACE allows it to be there."""

    relation: Relation
    replace: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class DropTable:
    relation: Relation
    if_exists: bool = False
    cascade: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class CreateIndex:
    """`index` is None where Postgres is to choose the name; `only` leaves partitions out."""

    index: str | None
    relation: Relation
    columns: tuple[str, ...] = ()
    concurrently: bool = False
    unique: bool = False
    if_not_exists: bool = False
    only: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class DropIndex:
    index: Relation
    concurrently: bool = False
    if_exists: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Reindex:
    """`relation` is the index or table; None for a schema, the database or the system."""

    kind: Literal["index", "table", "other"]
    relation: Relation | None
    concurrently: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class AddColumn:
    relation: Relation
    column: str
    type: TypeName
    not_null: bool = False
    default: Default | None = None
    unique: bool = False
    primary_key: bool = False
    check: bool = False
    references: Relation | None = None
    generated: Literal["stored", "virtual"] | None = None
    identity: bool = False
    if_not_exists: bool = False

    @property
    def serial(self) -> bool:
        """Whether the type is one of the serial shorthands (Postgres docs section 8.1.4)."""
        return self.type.name in {"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"}

    @property
    def has_value(self) -> bool:
        """Whether existing rows get something else than null."""
        default = self.default is not None and not self.default.is_null
        return default or self.serial or self.identity or self.generated is not None


@dataclasses.dataclass(frozen=True, slots=True)
class DropColumn:
    relation: Relation
    column: str
    if_exists: bool = False
    cascade: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class AlterColumnType:
    relation: Relation
    column: str
    type: TypeName
    using: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class SetNotNull:
    relation: Relation
    column: str


@dataclasses.dataclass(frozen=True, slots=True)
class DropNotNull:
    relation: Relation
    column: str


@dataclasses.dataclass(frozen=True, slots=True)
class SetDefault:
    relation: Relation
    column: str
    default: Default


@dataclasses.dataclass(frozen=True, slots=True)
class DropDefault:
    """DROP DEFAULT, DROP IDENTITY or DROP EXPRESSION: inserts that leave the column out get null from now on."""

    relation: Relation
    column: str
    source: Literal["default", "identity", "expression"] = "default"


@dataclasses.dataclass(frozen=True, slots=True)
class SetExpression:
    """ALTER COLUMN ... SET EXPRESSION of a generated column (Postgres 17)."""

    relation: Relation
    column: str


@dataclasses.dataclass(frozen=True, slots=True)
class AddConstraint:
    """`proves_not_null` names the columns that a CHECK demands to be NOT NULL."""

    relation: Relation
    kind: ConstraintKind
    name: str | None = None
    columns: tuple[str, ...] = ()
    not_valid: bool = False
    enforced: bool = True
    using_index: str | None = None
    references: Relation | None = None
    proves_not_null: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class ValidateConstraint:
    relation: Relation
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class DropConstraint:
    relation: Relation
    name: str
    if_exists: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class RenameColumn:
    relation: Relation
    column: str
    new_name: str


@dataclasses.dataclass(frozen=True, slots=True)
class RenameTable:
    """`schema` is given where the table moves to another schema instead."""

    relation: Relation
    new_name: str
    schema: str | None = None

    @property
    def target(self) -> Relation:
        """What it is called from then on."""
        return Relation(self.new_name, self.schema or self.relation.schema)


@dataclasses.dataclass(frozen=True, slots=True)
class AttachPartition:
    relation: Relation
    partition: Relation


@dataclasses.dataclass(frozen=True, slots=True)
class DetachPartition:
    relation: Relation
    partition: Relation
    concurrently: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class RewriteTable:
    """A command that copies the table: `command` is CLUSTER, VACUUM FULL, SET LOGGED and the like."""

    relation: Relation
    command: str


@dataclasses.dataclass(frozen=True, slots=True)
class AlterTable:
    """An ALTER TABLE action that has no fact of its own; `action` is the parser's name for it."""

    relation: Relation
    action: str


@dataclasses.dataclass(frozen=True, slots=True)
class Trigger:
    """CREATE TRIGGER on a table, or ENABLE and DISABLE TRIGGER."""

    relation: Relation


@dataclasses.dataclass(frozen=True, slots=True)
class Truncate:
    relation: Relation
    cascade: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeRows:
    """INSERT, UPDATE, DELETE or MERGE; `bounded` where a WHERE or VALUES limits the rows.

    `columns` are those that it assigns as a whole, in order; `constants` those that VALUES give a constant.
    """

    relation: Relation
    command: Literal["insert", "update", "delete", "merge"]
    bounded: bool
    columns: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class LockTable:
    """LOCK TABLE; `mode` is the number of the mode, 1 (access share) to 8 (access exclusive)."""

    relation: Relation
    mode: int


@dataclasses.dataclass(frozen=True, slots=True)
class Transaction:
    """BEGIN, COMMIT, ROLLBACK or a savepoint written as SQL."""

    command: Literal["begin", "commit", "rollback", "savepoint"]


@dataclasses.dataclass(frozen=True, slots=True)
class SetVariable:
    """SET, RESET or `set_config`; `value` is None for a reset or an expression."""

    name: str
    value: str | None
    local: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class AlterDomain:
    """ALTER DOMAIN; `checks` tells whether it looks at the rows of all tables that use the domain."""

    domain: Relation
    checks: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class OutsideOnly:
    """A command that Postgres refuses inside of a transaction: `command` is what it is called."""

    command: str


@dataclasses.dataclass(frozen=True, slots=True)
class Query:
    """A SELECT; `functions` are the names that it calls."""

    functions: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Opaque:
    """DO or CALL: what it does, only running it can tell."""

    command: Literal["do", "call"]


@dataclasses.dataclass(frozen=True, slots=True)
class Other:
    """A statement that has no fact of its own; `node` is the parser's name for it, `database` where its SET holds."""

    node: str
    database: str | None = None


Fact = (
    CreateTable
    | CreateView
    | DropTable
    | CreateIndex
    | DropIndex
    | Reindex
    | AddColumn
    | DropColumn
    | AlterColumnType
    | SetNotNull
    | DropNotNull
    | SetDefault
    | DropDefault
    | SetExpression
    | AddConstraint
    | ValidateConstraint
    | DropConstraint
    | RenameColumn
    | RenameTable
    | AttachPartition
    | DetachPartition
    | RewriteTable
    | AlterTable
    | Trigger
    | Truncate
    | ChangeRows
    | LockTable
    | Transaction
    | SetVariable
    | AddEnumValue
    | CreateObject
    | DropObject
    | RenameObject
    | AlterObject
    | Revoke
    | SetSequence
    | AlterDomain
    | OutsideOnly
    | Query
    | Opaque
    | Other
)


def relation_of(fact: Fact) -> Relation | None:
    """The table whose rows the fact is about: for DROP INDEX the index, for ATTACH the partition."""
    if isinstance(fact, DropIndex):
        return fact.index
    if isinstance(fact, AttachPartition):
        return fact.partition
    return getattr(fact, "relation", None)
