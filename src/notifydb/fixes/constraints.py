"""Constraints that are checked, or whose index is built, while others read and write.

Why these forms: https://www.postgresql.org/docs/current/sql-altertable.html (NOT VALID, SET NOT NULL, USING INDEX).
"""

from __future__ import annotations

import dataclasses
from typing import Final

import libcst as cst

from notifydb.fixes import edits
from notifydb.fixes.form import Form, known_facts, sql_name, undoing
from notifydb.fixes.source import NotFixable, Operation, Source
from notifydb.postgres.dialect import quote, suffixed
from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind, Fact, Relation

#: Where the server can have a NOT NULL that is not validated.
_NOT_NULL_NOT_VALID: Final = 18
_CHECKED: Final = {
    ConstraintKind.FOREIGN_KEY: "create_foreign_key",
    ConstraintKind.CHECK: "create_check_constraint",
    ConstraintKind.NOT_NULL: None,
}
_INDEXED: Final = {
    ConstraintKind.UNIQUE: "create_unique_constraint",
    ConstraintKind.PRIMARY_KEY: "create_primary_key",
}

#: How the names end that Postgres gives to constraints without one, after table and columns.
_ENDINGS: Final = {ConstraintKind.FOREIGN_KEY: "fkey", ConstraintKind.UNIQUE: "key"}


def validated_later(source: Source, operation: Operation, fact: Fact) -> Form:
    """New rows are held to it at once; the old ones are checked in the next migration."""
    if not isinstance(fact, facts.AddConstraint) or operation.name not in (
        "execute",
        _CHECKED.get(fact.kind),
    ):
        raise _along_with_others(operation)
    name = quote(_name_of(fact))
    if operation.name == "execute":
        call = edits.with_sql_at_end(operation, "NOT VALID", dataclasses.replace(fact, not_valid=True))
    else:
        call = edits.with_keyword(operation, "postgresql_not_valid", "True")
    add = operation.with_call(call)
    again = add.with_changes(leading_lines=[])
    return Form(
        "validate",
        here=(add,),
        later=(_alter(source, fact.relation, f"VALIDATE CONSTRAINT {name}"),),
        later_down=(_alter(source, fact.relation, f"DROP CONSTRAINT {name}"), again),
    )


def proved_not_null(source: Source, operation: Operation, fact: Fact, version: int | None) -> Form:
    """A validated CHECK spares SET NOT NULL its scan since Postgres 12; 18 has NOT NULL ... NOT VALID itself."""
    if isinstance(fact, facts.AddConstraint):
        return validated_later(source, operation, fact)
    if not isinstance(fact, facts.SetNotNull) or operation.name not in ("alter_column", "execute"):
        raise _along_with_others(operation)
    if operation.name == "alter_column" and not _changes_only_nullable(operation):
        raise NotFixable("op.alter_column changes more than that: give NOT NULL a call of its own")
    if version is not None and version >= _NOT_NULL_NOT_VALID:
        return _natively(source, operation, fact)
    name = quote(suffixed(f"{fact.relation.name}_{fact.column}", "present"))
    check = f"ADD CONSTRAINT {name} CHECK ({quote(fact.column)} IS NOT NULL) NOT VALID"
    drop = _alter(source, fact.relation, f"DROP CONSTRAINT {name}")
    nullable = undoing(source, lambda each: _makes_nullable(each, fact))
    allow = _alter(source, fact.relation, f"ALTER COLUMN {quote(fact.column)} DROP NOT NULL")
    return Form(
        "validate",
        here=(_alter(source, fact.relation, check),),
        here_down=(drop,),
        later=(_alter(source, fact.relation, f"VALIDATE CONSTRAINT {name}"), operation.statement, drop),
        later_down=(nullable.statement if nullable else allow, _alter(source, fact.relation, check)),
        counterpart=nullable.statement if nullable else None,
    )


def _natively(source: Source, operation: Operation, fact: facts.SetNotNull) -> Form:
    name = quote(suffixed(f"{fact.relation.name}_{fact.column}", "not_null"))
    add = _alter(source, fact.relation, f"ADD CONSTRAINT {name} NOT NULL {quote(fact.column)} NOT VALID")
    return Form(
        "validate",
        here=(edits.instead(operation, add),),
        later=(_alter(source, fact.relation, f"VALIDATE CONSTRAINT {name}"),),
        later_down=(_alter(source, fact.relation, f"DROP CONSTRAINT {name}"), add),
    )


def using_index(source: Source, operation: Operation, fact: Fact) -> Form:
    """A unique index is built first and then becomes the constraint, which takes a moment."""
    if not isinstance(fact, facts.AddConstraint) or operation.name not in (
        "execute",
        _INDEXED.get(fact.kind),
    ):
        raise _along_with_others(operation)
    if fact.kind not in _INDEXED:
        raise NotFixable(f"Postgres can make no {fact.kind} constraint of an index")
    name = quote(_name_of(fact))
    index = sql_name(Relation(_name_of(fact), fact.relation.schema))
    columns = ", ".join(map(quote, fact.columns))
    clear = edits.execute(source, f"DROP INDEX CONCURRENTLY IF EXISTS {index}")
    create = edits.execute(
        source, f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {sql_name(fact.relation)} ({columns})"
    )
    build = edits.in_autocommit(source, [clear, edits.instead(operation, create)])
    attach = f"ADD CONSTRAINT {name} {fact.kind.upper()} USING INDEX {name}"
    drop = undoing(source, lambda each: _drops(each, fact))
    return Form(
        "constraint",
        later=(build, _alter(source, fact.relation, attach)),
        later_down=(drop.statement if drop else _alter(source, fact.relation, f"DROP CONSTRAINT {name}"),),
        counterpart=drop.statement if drop else None,
        alone=True,
    )


def _changes_only_nullable(operation: Operation) -> bool:
    names = [each.keyword.value for each in operation.call.args if each.keyword is not None]
    known = {"table_name", "column_name", "nullable", "schema"}
    return all(name in known or name.startswith("existing_") for name in names)


def _makes_nullable(operation: Operation, fact: facts.SetNotNull) -> bool:
    if operation.name == "alter_column":
        place = (operation.text("table_name", 0), operation.text("column_name", 1))
        return place == (fact.relation.name, fact.column) and _changes_only_nullable(operation)
    return facts.DropNotNull(fact.relation, fact.column) in known_facts(operation)


def _drops(operation: Operation, fact: facts.AddConstraint) -> bool:
    if operation.name == "drop_constraint":
        return operation.text("constraint_name", 0) == _name_of(fact)
    return facts.DropConstraint(fact.relation, _name_of(fact)) in known_facts(operation)


def _alter(source: Source, table: Relation, action: str) -> cst.BaseStatement:
    return edits.execute(source, f"ALTER TABLE {sql_name(table)} {action}")


def _name_of(fact: facts.AddConstraint) -> str:
    """The constraint's name, which Postgres makes where none is given; the proof shows whether it is that."""
    if fact.name is None and fact.kind not in _ENDINGS:
        raise NotFixable("the constraint has no name by which it could be validated: give it one")
    return fact.name or suffixed("_".join([fact.relation.name, *fact.columns]), _ENDINGS[fact.kind])


def _along_with_others(operation: Operation) -> NotFixable:
    return NotFixable(f"op.{operation.name} does it along with something else")
