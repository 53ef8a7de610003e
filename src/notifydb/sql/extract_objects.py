"""Turns statements about types, functions, sequences, triggers, policies and privileges into facts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from notifydb.sql import facts
from notifydb.sql.extract_table import relation, restart_value, type_name
from notifydb.sql.facts import Relation, TypeName
from notifydb.sql.trees import inner, pg, strings, walk

#: What a DROP, RENAME or SET SCHEMA is of, where a name is all that is left of it.
_KINDS = {
    pg.OBJECT_AGGREGATE: "aggregate",
    pg.OBJECT_COLLATION: "collation",
    pg.OBJECT_DOMAIN: "domain",
    pg.OBJECT_EXTENSION: "extension",
    pg.OBJECT_FOREIGN_TABLE: "foreign table",
    pg.OBJECT_FUNCTION: "function",
    pg.OBJECT_MATVIEW: "materialized view",
    pg.OBJECT_POLICY: "policy",
    pg.OBJECT_PROCEDURE: "procedure",
    pg.OBJECT_ROUTINE: "routine",
    pg.OBJECT_RULE: "rule",
    pg.OBJECT_SCHEMA: "schema",
    pg.OBJECT_SEQUENCE: "sequence",
    pg.OBJECT_TRIGGER: "trigger",
    pg.OBJECT_TYPE: "type",
    pg.OBJECT_VIEW: "view",
}
_ON_A_TABLE = ("policy", "rule", "trigger")
_RENAMED_WITH_TABLES = (pg.OBJECT_TABLE, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW)
_INPUT = {pg.FUNC_PARAM_DEFAULT, pg.FUNC_PARAM_IN, pg.FUNC_PARAM_INOUT, pg.FUNC_PARAM_VARIADIC}


def _drop(node: Any) -> Iterator[facts.Fact]:
    cascade, if_exists = node.behavior == pg.DROP_CASCADE, bool(node.missing_ok)
    for item in node.objects:
        names = _names(inner(item))
        if not names:
            continue
        if node.remove_type == pg.OBJECT_TABLE:
            yield facts.DropTable(_qualified(names), if_exists, cascade)
        elif node.remove_type == pg.OBJECT_INDEX:
            yield facts.DropIndex(_qualified(names), bool(node.concurrent), if_exists)
        elif kind := _KINDS.get(node.remove_type):
            on_table = kind in _ON_A_TABLE
            name = Relation(names[-1]) if on_table else _qualified(names)
            table = _qualified(names[:-1]) if on_table else name if kind == "materialized view" else None
            yield facts.DropObject(kind, name, table, _arguments(inner(item)), if_exists, cascade)


def _names(item: Any) -> tuple[str, ...]:
    """The parts of a name, however the parser wraps it."""
    for field in ("items", "objname", "names"):
        if hasattr(item, field):
            return strings(getattr(item, field))
    return (item.sval,) if hasattr(item, "sval") else ()


def _qualified(names: Sequence[str]) -> Relation:
    return Relation(names[-1], names[-2] if len(names) > 1 else None)


def _arguments(item: Any) -> tuple[TypeName, ...] | None:
    """The types with which a function is named; None where it is named without."""
    if not hasattr(item, "objargs") or item.args_unspecified:
        return None
    return tuple(type_name(inner(each)) for each in item.objargs)


def _rename(node: Any) -> Iterator[facts.Fact]:
    if node.rename_type == pg.OBJECT_COLUMN and node.HasField("relation"):
        yield facts.RenameColumn(relation(node.relation), node.subname, node.newname)
    elif node.rename_type in _RENAMED_WITH_TABLES:
        yield facts.RenameTable(relation(node.relation), node.newname)
    elif node.rename_type == pg.OBJECT_ATTRIBUTE:
        yield facts.AlterObject("type", relation(node.relation), "RenameAttribute")
    elif (name := _renamed(node, node.rename_type)) is not None:
        yield facts.RenameObject(_KINDS[node.rename_type], name, node.newname)


def _set_schema(node: Any) -> Iterator[facts.Fact]:
    if node.object_type in _RENAMED_WITH_TABLES:
        table = relation(node.relation)
        yield facts.RenameTable(table, table.name, node.newschema)
    elif (name := _renamed(node, node.object_type)) is not None:
        yield facts.RenameObject(_KINDS[node.object_type], name, name.name, node.newschema)


def _renamed(node: Any, kind: int) -> Relation | None:
    """What is renamed; None for what nobody names in a query, such as a trigger or a policy."""
    if kind not in _KINDS or _KINDS[kind] in _ON_A_TABLE:
        return None
    if node.HasField("relation"):
        return relation(node.relation)
    names = _names(inner(node.object)) if node.HasField("object") else (node.subname,)
    return _qualified(names) if names else None


def _function(node: Any) -> Iterator[facts.Fact]:
    arguments = (inner(item) for item in node.parameters)
    yield facts.CreateObject(
        "procedure" if node.is_procedure else "function",
        _qualified(strings(node.funcname)),
        arguments=tuple(type_name(each.arg_type) for each in arguments if each.mode in _INPUT),
        replace=bool(node.replace),
    )


def _enum(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("type", _qualified(strings(node.type_name)), labels=strings(node.vals))


def _range(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("type", _qualified(strings(node.type_name)))


def _composite(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("type", relation(node.typevar))


def _domain(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("domain", _qualified(strings(node.domainname)))


def _sequence(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("sequence", relation(node.sequence))


def _extension(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("extension", Relation(node.extname))


def _schema(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("schema", Relation(node.schemaname))


def _trigger(node: Any) -> Iterator[facts.Fact]:
    table = relation(node.relation)
    yield facts.Trigger(table)
    yield facts.CreateObject("trigger", Relation(node.trigname), table, replace=bool(node.replace))


def _policy(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject("policy", Relation(node.policy_name), relation(node.table))


def _alter_policy(node: Any) -> Iterator[facts.Fact]:
    yield facts.AlterObject("policy", Relation(node.policy_name), relation=relation(node.table))


def _rule(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateObject(
        "rule", Relation(node.rulename), relation(node.relation), replace=bool(node.replace)
    )


def _alter_function(node: Any) -> Iterator[facts.Fact]:
    kind = "procedure" if node.objtype == pg.OBJECT_PROCEDURE else "function"
    actions = ", ".join(inner(item).defname for item in node.actions)
    yield facts.AlterObject(kind, _qualified(strings(node.func.objname)), actions)


def _alter_extension(node: Any) -> Iterator[facts.Fact]:
    yield facts.AlterObject("extension", Relation(node.extname), "UPDATE")


def _alter_enum(node: Any) -> Iterator[facts.Fact]:
    name = _qualified(strings(node.type_name))
    if node.old_val:
        yield facts.RenameObject("enum value", name, node.new_val, value=node.old_val)
    else:
        yield facts.AddEnumValue(name.name, node.new_val, ordered=bool(node.new_val_neighbor))


def _alter_sequence(node: Any) -> Iterator[facts.Fact]:
    for option in (inner(item) for item in node.options):
        if option.defname == "restart":
            yield facts.SetSequence(restart_value(option), relation(node.sequence))


def sequences(node: Any) -> Iterator[facts.Fact]:
    """The calls of `setval` in a query."""
    for call in walk(node):
        is_call = type(call).__name__ == "FuncCall" and len(call.args) > 1
        if is_call and strings(call.funcname)[-1] == "setval":
            of, value = inner(call.args[0]), inner(call.args[1])
            is_number = type(value).__name__ == "A_Const" and value.WhichOneof("val") == "ival"
            number = int(value.ival.ival) if is_number else None
            yield facts.SetSequence(number, *_numbered(of))


def _numbered(expression: Any) -> tuple[Relation | None, Relation | None, str | None]:
    """Sequence, table and column, as far as `'name'` or `pg_get_serial_sequence('table', 'column')` tell."""
    if text := _text(expression):
        return _qualified(text.replace('"', "").split(".")), None, None
    if type(expression).__name__ == "FuncCall" and strings(expression.funcname)[-1] == _OF_COLUMN:
        table, column = (_text(inner(argument)) for argument in expression.args)
        if table and column:
            return None, _qualified(table.replace('"', "").split(".")), column
    return None, None, None


_OF_COLUMN = "pg_get_serial_sequence"


def _text(expression: Any) -> str | None:
    while type(expression).__name__ == "TypeCast":
        expression = inner(expression.arg)
    is_text = type(expression).__name__ == "A_Const" and expression.WhichOneof("val") == "sval"
    return str(expression.sval.sval) if is_text else None


def _grant(node: Any) -> Iterator[facts.Fact]:
    if not node.is_grant:
        kind = _GRANTED.get(node.objtype) or pg.ObjectType.Name(node.objtype).removeprefix("OBJECT_").lower()
        everything = node.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA
        names = tuple(_granted(inner(item)) for item in node.objects)
        yield facts.Revoke(
            f"{kind}s in schema" if everything else kind, names, _privileges(node), _roles(node.grantees)
        )


def _granted(item: Any) -> Relation:
    if hasattr(item, "relname"):
        return relation(item)
    return _qualified(_names(item) or (str(getattr(item, "ival", "")),))


#: Kinds whose names in SQL are not those of the parser.
_GRANTED = {
    pg.OBJECT_FDW: "foreign data wrapper",
    pg.OBJECT_FOREIGN_SERVER: "foreign server",
    pg.OBJECT_LARGEOBJECT: "large object",
    pg.OBJECT_PARAMETER_ACL: "parameter",
}


def _privileges(node: Any) -> tuple[str, ...]:
    return tuple(inner(item).priv_name.upper() for item in node.privileges)


def _grant_role(node: Any) -> Iterator[facts.Fact]:
    if not node.is_grant:
        names = tuple(Relation(inner(item).priv_name) for item in node.granted_roles)
        yield facts.Revoke("role", names, (), _roles(node.grantee_roles))


def _set_for_database(node: Any) -> Iterator[facts.Fact]:
    yield facts.Other("alter_database_set_stmt", node.dbname)


def _set_for_role(node: Any) -> Iterator[facts.Fact]:
    yield facts.Other("alter_role_set_stmt", node.database or None)


def _roles(items: Iterable[Any]) -> tuple[str, ...]:
    found = (inner(item) for item in items)
    return tuple(each.rolename or pg.RoleSpecType.Name(each.roletype).split("_")[1] for each in found)


EXTRACTORS: dict[str, Callable[[Any], Iterator[facts.Fact]]] = {
    "drop_stmt": _drop,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
    "create_function_stmt": _function,
    "create_enum_stmt": _enum,
    "create_range_stmt": _range,
    "composite_type_stmt": _composite,
    "create_domain_stmt": _domain,
    "create_seq_stmt": _sequence,
    "create_extension_stmt": _extension,
    "create_schema_stmt": _schema,
    "create_trig_stmt": _trigger,
    "create_policy_stmt": _policy,
    "alter_policy_stmt": _alter_policy,
    "rule_stmt": _rule,
    "alter_function_stmt": _alter_function,
    "alter_extension_stmt": _alter_extension,
    "alter_enum_stmt": _alter_enum,
    "alter_seq_stmt": _alter_sequence,
    "alter_database_set_stmt": _set_for_database,
    "alter_role_set_stmt": _set_for_role,
    "grant_stmt": _grant,
    "grant_role_stmt": _grant_role,
}
