"""Turns the parser's tree of one statement into facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from notifydb.sql import extract_objects, facts
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
    yield facts.CreateView(relation(node.view), bool(node.replace))


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


def _reindex(node: Any) -> Iterator[facts.Fact]:
    kinds: dict[int, Literal["index", "table"]] = {
        pg.REINDEX_OBJECT_INDEX: "index",
        pg.REINDEX_OBJECT_TABLE: "table",
    }
    target = relation(node.relation) if node.HasField("relation") else None
    yield facts.Reindex(kinds.get(node.kind, "other"), target, _option(node.params, "concurrently"))
    if target is None:
        yield facts.OutsideOnly("REINDEX of a whole schema or database")


def _cluster(node: Any) -> Iterator[facts.Fact]:
    if node.HasField("relation"):
        yield facts.RewriteTable(relation(node.relation), "CLUSTER")
    else:
        yield facts.OutsideOnly("CLUSTER of all tables")


def _vacuum(node: Any) -> Iterator[facts.Fact]:
    if not node.is_vacuumcmd:
        return
    yield facts.OutsideOnly("VACUUM")
    if _option(node.options, "full"):
        for item in node.rels:
            yield facts.RewriteTable(relation(inner(item).relation), "VACUUM FULL")


def _refresh(node: Any) -> Iterator[facts.Fact]:
    if not node.concurrent and not node.skip_data:
        yield facts.RewriteTable(relation(node.relation), "REFRESH MATERIALIZED VIEW")


def _truncate(node: Any) -> Iterator[facts.Fact]:
    for item in node.relations:
        yield facts.Truncate(relation(inner(item)), node.behavior == pg.DROP_CASCADE)


def _insert(node: Any) -> Iterator[facts.Fact]:
    yield facts.ChangeRows(
        relation(node.relation),
        "insert",
        bounded=not _reads_a_table(node),
        columns=_assigned(node.cols),
        constants=_constants(node),
    )


def _reads_a_table(node: Any) -> bool:
    """Whether an INSERT takes all rows of a query, instead of VALUES or a limited number."""
    if not node.HasField("select_stmt"):
        return False
    select = inner(node.select_stmt)
    return bool(select.from_clause) and not select.values_lists and not select.HasField("limit_count")


def _assigned(targets: Any) -> tuple[str, ...]:
    """The columns that are assigned as a whole: `a[1]` and `a.field` may stand beside each other."""
    return tuple(inner(item).name for item in targets if not inner(item).indirection)


def _constants(node: Any) -> tuple[str, ...]:
    """The columns of an INSERT ... VALUES in which a row has a constant other than null."""
    rows = inner(node.select_stmt).values_lists if node.cols else ()
    names = [inner(item).name for item in node.cols]
    found = {
        name
        for row in rows
        for name, value in zip(names, inner(row).items, strict=False)
        if _is_constant(value)
    }
    return tuple(name for name in names if name in found)


def _is_constant(expression: Any) -> bool:
    found = inner(expression)
    while type(found).__name__ == "TypeCast":
        found = inner(found.arg)
    return type(found).__name__ == "A_Const" and not found.isnull


def _update(node: Any) -> Iterator[facts.Fact]:
    columns = _assigned(node.target_list)
    yield facts.ChangeRows(relation(node.relation), "update", node.HasField("where_clause"), columns)


def _delete(node: Any) -> Iterator[facts.Fact]:
    yield facts.ChangeRows(relation(node.relation), "delete", node.HasField("where_clause"))


def _merge(node: Any) -> Iterator[facts.Fact]:
    yield facts.ChangeRows(relation(node.relation), "merge", bounded=False)


def _lock(node: Any) -> Iterator[facts.Fact]:
    for item in node.relations:
        yield facts.LockTable(relation(inner(item)), node.mode)


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


def _select(node: Any) -> Iterator[facts.Fact]:
    if node.HasField("into_clause"):
        yield facts.CreateTable(relation(node.into_clause.rel))
    yield from _settings(node)
    yield from extract_objects.sequences(node)
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


def _alter_domain(node: Any) -> Iterator[facts.Fact]:
    """The subtypes are the parser's letters: C adds a constraint, V validates one, O is SET NOT NULL."""
    names = strings(node.type_name)
    not_valid = node.subtype == "C" and inner(getattr(node, "def")).skip_validation
    checks = node.subtype in ("C", "V", "O") and not not_valid
    yield facts.AlterDomain(facts.Relation(names[-1], names[-2] if len(names) > 1 else None), checks)


def _outside_only(command: str) -> Callable[[Any], Iterator[facts.Fact]]:
    return lambda _node: iter([facts.OutsideOnly(command)])


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
    "reindex_stmt": _reindex,
    "cluster_stmt": _cluster,
    "vacuum_stmt": _vacuum,
    "refresh_mat_view_stmt": _refresh,
    "truncate_stmt": _truncate,
    "insert_stmt": _insert,
    "update_stmt": _update,
    "delete_stmt": _delete,
    "merge_stmt": _merge,
    "lock_stmt": _lock,
    "alter_domain_stmt": _alter_domain,
    "createdb_stmt": _outside_only("CREATE DATABASE"),
    "dropdb_stmt": _outside_only("DROP DATABASE"),
    "create_table_space_stmt": _outside_only("CREATE TABLESPACE"),
    "drop_table_space_stmt": _outside_only("DROP TABLESPACE"),
    "alter_system_stmt": _outside_only("ALTER SYSTEM"),
    "transaction_stmt": _transaction,
    "variable_set_stmt": _set,
    "select_stmt": _select,
    "do_stmt": _do,
    "call_stmt": _call,
    **extract_objects.EXTRACTORS,
}
