"""Turns CREATE TABLE and the actions of ALTER TABLE into facts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from notifydb.sql import facts
from notifydb.sql.facts import ConstraintKind, Relation, TypeName
from notifydb.sql.trees import functions_in, inner, is_null, pg, strings

_KINDS = {
    pg.CONSTR_CHECK: ConstraintKind.CHECK,
    pg.CONSTR_FOREIGN: ConstraintKind.FOREIGN_KEY,
    pg.CONSTR_NOTNULL: ConstraintKind.NOT_NULL,
    pg.CONSTR_UNIQUE: ConstraintKind.UNIQUE,
    pg.CONSTR_PRIMARY: ConstraintKind.PRIMARY_KEY,
    pg.CONSTR_EXCLUSION: ConstraintKind.EXCLUDE,
}
_REWRITING = {
    pg.AT_SetLogged: "SET LOGGED",
    pg.AT_SetUnLogged: "SET UNLOGGED",
    pg.AT_SetTableSpace: "SET TABLESPACE",
    pg.AT_SetAccessMethod: "SET ACCESS METHOD",
}
_TRIGGERS = {
    pg.AT_EnableTrig,
    pg.AT_EnableTrigAll,
    pg.AT_EnableTrigUser,
    pg.AT_DisableTrig,
    pg.AT_DisableTrigAll,
    pg.AT_DisableTrigUser,
}


def relation(node: Any) -> Relation:
    """The relation that a RangeVar names."""
    return Relation(node.relname, node.schemaname or None)


def create_table(node: Any) -> Iterator[facts.Fact]:
    """CREATE TABLE with its columns and the tables that its foreign keys name."""
    table = relation(node.relation)
    elements = [inner(item) for item in node.table_elts]
    written = [each for each in elements if hasattr(each, "colname")]
    constraints = [each for each in elements if hasattr(each, "contype")]
    constraints += [inner(item) for item in node.constraints]
    primary = {
        name for each in constraints if each.contype == pg.CONSTR_PRIMARY for name in strings(each.keys)
    }
    columns = [_column(table, each) for each in written]
    keys = [
        strings(each.keys) for each in constraints if each.contype in (pg.CONSTR_PRIMARY, pg.CONSTR_UNIQUE)
    ]
    keys += [(each.column,) for each in columns if each.primary_key or each.unique]
    foreign = [strings(each.fk_attrs) for each in constraints if each.contype == pg.CONSTR_FOREIGN]
    foreign += [(each.column,) for each in columns if each.references]
    constraints += [inner(item) for each in written for item in each.constraints]
    yield facts.CreateTable(
        table,
        temporary=node.relation.relpersistence == "t",
        if_not_exists=bool(node.if_not_exists),
        partition_of=relation(inner(node.inh_relations[0])) if node.HasField("partbound") else None,
        references=tuple(relation(each.pktable) for each in constraints if each.contype == pg.CONSTR_FOREIGN),
        columns=tuple(
            dataclasses.replace(each, primary_key=each.primary_key or each.column in primary)
            for each in columns
        ),
        keys=tuple(keys),
        foreign_keys=tuple(foreign),
    )


def alter_table(node: Any) -> Iterator[facts.Fact]:
    """One fact for each action, in the order in which they are written."""
    table = relation(node.relation)
    if node.objtype in (pg.OBJECT_TYPE, pg.OBJECT_VIEW):
        kind = "type" if node.objtype == pg.OBJECT_TYPE else "view"
        yield from (facts.AlterObject(kind, table, _action(inner(item).subtype)) for item in node.cmds)
    if node.objtype not in (pg.OBJECT_TABLE, pg.OBJECT_MATVIEW):
        return
    for item in node.cmds:
        command = inner(item)
        extract = _ACTIONS.get(command.subtype)
        if extract is not None:
            yield extract(table, command)
        elif command.subtype in _REWRITING:
            yield facts.RewriteTable(table, _REWRITING[command.subtype])
        elif command.subtype in _TRIGGERS:
            yield facts.Trigger(table)
        else:
            yield facts.AlterTable(table, _action(command.subtype))


def _action(subtype: int) -> str:
    return str(pg.AlterTableType.Name(subtype).removeprefix("AT_"))


def _add_column(table: Relation, command: Any) -> facts.Fact:
    column = _column(table, inner(getattr(command, "def")))
    return dataclasses.replace(column, if_not_exists=bool(command.missing_ok))


def _column(table: Relation, column: Any) -> facts.AddColumn:
    constraints = {inner(item).contype: inner(item) for item in column.constraints}
    foreign = constraints.get(pg.CONSTR_FOREIGN)
    generated = constraints.get(pg.CONSTR_GENERATED)
    default = constraints.get(pg.CONSTR_DEFAULT)
    return facts.AddColumn(
        table,
        column.colname,
        type_name(column.type_name),
        not_null=pg.CONSTR_NOTNULL in constraints,
        default=_default(default.raw_expr) if default is not None else None,
        unique=pg.CONSTR_UNIQUE in constraints,
        primary_key=pg.CONSTR_PRIMARY in constraints,
        check=pg.CONSTR_CHECK in constraints,
        references=relation(foreign.pktable) if foreign is not None else None,
        generated=None if generated is None else "virtual" if generated.generated_kind == "v" else "stored",
        identity=pg.CONSTR_IDENTITY in constraints,
    )


def _drop_column(table: Relation, command: Any) -> facts.Fact:
    cascade = command.behavior == pg.DROP_CASCADE
    return facts.DropColumn(table, command.name, bool(command.missing_ok), cascade)


def _alter_type(table: Relation, command: Any) -> facts.Fact:
    column = inner(getattr(command, "def"))
    return facts.AlterColumnType(
        table, command.name, type_name(column.type_name), column.HasField("raw_default")
    )


def _set_not_null(table: Relation, command: Any) -> facts.Fact:
    return facts.SetNotNull(table, command.name)


def _drop_not_null(table: Relation, command: Any) -> facts.Fact:
    return facts.DropNotNull(table, command.name)


def _column_default(table: Relation, command: Any) -> facts.Fact:
    if not command.HasField("def"):
        return facts.DropDefault(table, command.name)
    return facts.SetDefault(table, command.name, _default(getattr(command, "def")))


def _drop_identity(table: Relation, command: Any) -> facts.Fact:
    return facts.DropDefault(table, command.name, "identity")


def _drop_expression(table: Relation, command: Any) -> facts.Fact:
    return facts.DropDefault(table, command.name, "expression")


def _set_identity(table: Relation, command: Any) -> facts.Fact:
    for item in inner(getattr(command, "def")).items:
        if inner(item).defname == "restart":
            return facts.SetSequence(restart_value(inner(item)), relation=table, column=command.name)
    return facts.AlterTable(table, "SetIdentity")


def restart_value(option: Any) -> int:
    """The number that RESTART names; without one it is where the sequence started: as a rule 1."""
    return int(inner(option.arg).ival) if option.HasField("arg") else 1


def _set_expression(table: Relation, command: Any) -> facts.Fact:
    return facts.SetExpression(table, command.name)


def _add_constraint(table: Relation, command: Any) -> facts.Fact:
    node = inner(getattr(command, "def"))
    kind = _KINDS.get(node.contype)
    if kind is None:
        return facts.AlterTable(table, "AddConstraint")
    is_foreign = kind is ConstraintKind.FOREIGN_KEY
    is_check = kind is ConstraintKind.CHECK
    return facts.AddConstraint(
        table,
        kind,
        node.conname or None,
        strings(node.fk_attrs if is_foreign else node.keys),
        not_valid=bool(node.skip_validation),
        enforced=bool(node.is_enforced) or not (is_check or is_foreign),
        using_index=node.indexname or None,
        references=relation(node.pktable) if is_foreign else None,
        proves_not_null=_not_null_columns(node.raw_expr) if is_check else (),
    )


def _validate(table: Relation, command: Any) -> facts.Fact:
    return facts.ValidateConstraint(table, command.name)


def _drop_constraint(table: Relation, command: Any) -> facts.Fact:
    return facts.DropConstraint(table, command.name, bool(command.missing_ok))


def _attach(table: Relation, command: Any) -> facts.Fact:
    return facts.AttachPartition(table, relation(inner(getattr(command, "def")).name))


def _detach(table: Relation, command: Any) -> facts.Fact:
    partition = inner(getattr(command, "def"))
    return facts.DetachPartition(table, relation(partition.name), bool(partition.concurrent))


def type_name(node: Any) -> TypeName:
    """The type that a TypeName node names."""
    modifiers = (inner(item) for item in node.typmods)
    numbers = tuple(item.ival.ival for item in modifiers if hasattr(item, "ival"))
    return TypeName(strings(node.names)[-1], numbers, bool(node.array_bounds))


def _default(expression: Any) -> facts.Default:
    return facts.Default(functions_in(expression), is_null(expression))


def _not_null_columns(expression: Any) -> tuple[str, ...]:
    """The columns of `a IS NOT NULL AND b IS NOT NULL ...`: what lets SET NOT NULL skip its scan."""
    node = inner(expression)
    kind = type(node).__name__
    if kind == "NullTest" and node.nulltesttype == pg.IS_NOT_NULL:
        names = strings(inner(node.arg).fields) if hasattr(inner(node.arg), "fields") else ()
        return names[-1:]
    if kind == "BoolExpr" and node.boolop == pg.AND_EXPR:
        return tuple(name for item in node.args for name in _not_null_columns(item))
    return ()


_ACTIONS: dict[int, Callable[[Relation, Any], facts.Fact]] = {
    pg.AT_AddColumn: _add_column,
    pg.AT_DropColumn: _drop_column,
    pg.AT_AlterColumnType: _alter_type,
    pg.AT_SetNotNull: _set_not_null,
    pg.AT_DropNotNull: _drop_not_null,
    pg.AT_ColumnDefault: _column_default,
    pg.AT_DropIdentity: _drop_identity,
    pg.AT_DropExpression: _drop_expression,
    pg.AT_SetIdentity: _set_identity,
    pg.AT_SetExpression: _set_expression,
    pg.AT_AddConstraint: _add_constraint,
    pg.AT_ValidateConstraint: _validate,
    pg.AT_DropConstraint: _drop_constraint,
    pg.AT_AttachPartition: _attach,
    pg.AT_DetachPartition: _detach,
}
