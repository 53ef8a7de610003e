"""Turns the parser's tree of one statement into facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from notifydb.sql import facts
from notifydb.sql.extract_table import alter_table, create_table, relation
from notifydb.sql.trees import functions_in, inner, pg, strings


def facts_of(node: Any) -> tuple[facts.Fact, ...]:
    """The facts of one statement's node, in the order in which Postgres acts on them."""
    kind = node.WhichOneof("node")
    if kind is None:
        return ()
    extract = _EXTRACTORS.get(kind)
    statement = getattr(node, kind)
    found = tuple(extract(statement)) if extract else ()
    return found or (facts.Other(kind),)


def _create_table_as(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateTable(
        relation(node.into.rel), node.into.rel.relpersistence == "t", bool(node.if_not_exists)
    )


def _view(node: Any) -> Iterator[facts.Fact]:
    yield facts.CreateView(relation(node.view))


def _index(node: Any) -> Iterator[facts.Fact]:
    columns = tuple(inner(item).name for item in node.index_params if inner(item).name)
    yield facts.CreateIndex(
        node.idxname or None,
        relation(node.relation),
        columns,
        concurrently=bool(node.concurrent),
        unique=bool(node.unique),
        if_not_exists=bool(node.if_not_exists),
        only=not node.relation.inh,
    )


def _drop(node: Any) -> Iterator[facts.Fact]:
    cascade = node.behavior == pg.DROP_CASCADE
    for item in node.objects:
        names = strings(inner(item).items) if hasattr(inner(item), "items") else ()
        if not names:
            continue
        target = facts.Relation(names[-1], names[-2] if len(names) > 1 else None)
        if node.remove_type in (pg.OBJECT_TABLE, pg.OBJECT_MATVIEW):
            yield facts.DropTable(target, bool(node.missing_ok), cascade)
        elif node.remove_type == pg.OBJECT_INDEX:
            yield facts.DropIndex(target, bool(node.concurrent), bool(node.missing_ok))
        elif node.remove_type == pg.OBJECT_TRIGGER:
            yield facts.AlterTable(
                facts.Relation(names[-2], names[-3] if len(names) > 2 else None), "DROP TRIGGER"
            )


def _reindex(node: Any) -> Iterator[facts.Fact]:
    kinds: dict[int, Literal["index", "table"]] = {
        pg.REINDEX_OBJECT_INDEX: "index",
        pg.REINDEX_OBJECT_TABLE: "table",
    }
    target = relation(node.relation) if node.HasField("relation") else None
    yield facts.Reindex(kinds.get(node.kind, "other"), target, _option(node.params, "concurrently"))


def _rename(node: Any) -> Iterator[facts.Fact]:
    if node.rename_type == pg.OBJECT_COLUMN and node.HasField("relation"):
        yield facts.RenameColumn(relation(node.relation), node.subname, node.newname)
    elif node.rename_type in (pg.OBJECT_TABLE, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW):
        yield facts.RenameTable(relation(node.relation), node.newname)


def _set_schema(node: Any) -> Iterator[facts.Fact]:
    if node.object_type in (pg.OBJECT_TABLE, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW):
        table = relation(node.relation)
        yield facts.RenameTable(table, table.name, node.newschema)


def _cluster(node: Any) -> Iterator[facts.Fact]:
    if node.HasField("relation"):
        yield facts.RewriteTable(relation(node.relation), "CLUSTER")


def _vacuum(node: Any) -> Iterator[facts.Fact]:
    if node.is_vacuumcmd and _option(node.options, "full"):
        for item in node.rels:
            yield facts.RewriteTable(relation(inner(item).relation), "VACUUM FULL")


def _refresh(node: Any) -> Iterator[facts.Fact]:
    if not node.concurrent:
        yield facts.RewriteTable(relation(node.relation), "REFRESH MATERIALIZED VIEW")


def _truncate(node: Any) -> Iterator[facts.Fact]:
    for item in node.relations:
        yield facts.Truncate(relation(inner(item)), node.behavior == pg.DROP_CASCADE)


def _insert(node: Any) -> Iterator[facts.Fact]:
    yield facts.ChangeRows(relation(node.relation), "insert", bounded=not _reads_a_table(node))


def _reads_a_table(node: Any) -> bool:
    """Whether an INSERT takes all rows of a query, instead of VALUES or a limited number."""
    if not node.HasField("select_stmt"):
        return False
    select = inner(node.select_stmt)
    return bool(select.from_clause) and not select.values_lists and not select.HasField("limit_count")


def _update(node: Any) -> Iterator[facts.Fact]:
    yield facts.ChangeRows(relation(node.relation), "update", node.HasField("where_clause"))


def _delete(node: Any) -> Iterator[facts.Fact]:
    yield facts.ChangeRows(relation(node.relation), "delete", node.HasField("where_clause"))


def _merge(node: Any) -> Iterator[facts.Fact]:
    yield facts.ChangeRows(relation(node.relation), "merge", bounded=False)


def _lock(node: Any) -> Iterator[facts.Fact]:
    for item in node.relations:
        yield facts.LockTable(relation(inner(item)), node.mode)


def _trigger(node: Any) -> Iterator[facts.Fact]:
    yield facts.Trigger(relation(node.relation))


def _transaction(node: Any) -> Iterator[facts.Fact]:
    if node.kind in (pg.TRANS_STMT_BEGIN, pg.TRANS_STMT_START):
        yield facts.Transaction("begin")
    elif node.kind in (pg.TRANS_STMT_COMMIT, pg.TRANS_STMT_COMMIT_PREPARED, pg.TRANS_STMT_PREPARE):
        yield facts.Transaction("commit")
    elif node.kind in (pg.TRANS_STMT_ROLLBACK, pg.TRANS_STMT_ROLLBACK_PREPARED):
        yield facts.Transaction("rollback")
    else:
        yield facts.Transaction("savepoint")


def _set(node: Any) -> Iterator[facts.Fact]:
    values = [inner(item) for item in node.args]
    value = _constant(values[0]) if len(values) == 1 else None
    yield facts.SetVariable(node.name.lower(), value, bool(node.is_local))


def _constant(node: Any) -> str | None:
    kind = node.WhichOneof("val") if hasattr(node, "ival") else None
    if kind == "ival":
        return str(node.ival.ival)
    return str(node.sval.sval) if kind == "sval" else None


def _enum_value(node: Any) -> Iterator[facts.Fact]:
    if not node.old_val:
        yield facts.AddEnumValue(strings(node.type_name)[-1], node.new_val)


def _select(node: Any) -> Iterator[facts.Fact]:
    if node.HasField("into_clause"):
        yield facts.CreateTable(relation(node.into_clause.rel))
    yield from _settings(node)
    yield facts.Query(functions_in(node))


def _settings(node: Any) -> Iterator[facts.Fact]:
    """`SELECT set_config('lock_timeout', '2s', true)` is SET LOCAL (Postgres docs section 9.28.1)."""
    for target in node.target_list:
        call: Any = inner(inner(target).val)
        if type(call).__name__ != "FuncCall" or strings(call.funcname)[-1] != "set_config":
            continue
        name, value, local = (inner(argument) for argument in call.args)
        known = _constant(name)
        if known is not None:
            is_local = hasattr(local, "boolval") and bool(local.boolval.boolval)
            yield facts.SetVariable(known.lower(), _constant(value), is_local)


def _do(_node: Any) -> Iterator[facts.Fact]:
    yield facts.Opaque("do")


def _call(_node: Any) -> Iterator[facts.Fact]:
    yield facts.Opaque("call")


def _option(options: Any, name: str) -> bool:
    """Whether a `(NAME)` option is on; `(NAME off)` and `(NAME false)` are not."""
    for item in options:
        element = inner(item)
        if element.defname == name:
            argument = inner(element.arg) if element.HasField("arg") else None
            text = getattr(argument, "sval", "") if argument is not None else ""
            return text.lower() not in {"off", "false"} and getattr(argument, "ival", 1) != 0
    return False


_EXTRACTORS: dict[str, Callable[[Any], Iterator[facts.Fact]]] = {
    "create_stmt": create_table,
    "create_table_as_stmt": _create_table_as,
    "view_stmt": _view,
    "alter_table_stmt": alter_table,
    "index_stmt": _index,
    "drop_stmt": _drop,
    "reindex_stmt": _reindex,
    "rename_stmt": _rename,
    "alter_object_schema_stmt": _set_schema,
    "cluster_stmt": _cluster,
    "vacuum_stmt": _vacuum,
    "refresh_mat_view_stmt": _refresh,
    "truncate_stmt": _truncate,
    "insert_stmt": _insert,
    "update_stmt": _update,
    "delete_stmt": _delete,
    "merge_stmt": _merge,
    "lock_stmt": _lock,
    "create_trig_stmt": _trigger,
    "transaction_stmt": _transaction,
    "variable_set_stmt": _set,
    "alter_enum_stmt": _enum_value,
    "select_stmt": _select,
    "do_stmt": _do,
    "call_stmt": _call,
}
