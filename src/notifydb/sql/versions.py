"""Which statements an older Postgres does not know, by the release notes of PostgreSQL 14 to 18."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

from notifydb.sql.trees import inner, pg, postgast, strings, walk

#: The parser is of this version, and what it does not know is a syntax error.
NEWEST = 18

_FUNCTIONS = {
    14: "bit_count date_bin range_agg range_intersect_agg string_to_table trim_array unistr",
    15: "regexp_count regexp_instr regexp_like regexp_substr",
    16: "any_value array_sample array_shuffle date_add date_subtract pg_input_is_valid random_normal system_user",
    17: "to_bin to_oct unicode_assigned uuid_extract_timestamp uuid_extract_version xmltext",
    18: "array_reverse array_sort casefold crc32 crc32c uuidv4 uuidv7",
}
_SINCE = {name: version for version, names in _FUNCTIONS.items() for name in names.split()}

#: Messages of the parser that stand for a feature wherever they occur.
_NODES = {
    "MergeStmt": (15, "MERGE"),
    "JsonTable": (17, "JSON_TABLE"),
    "JsonFuncExpr": (17, "JSON_EXISTS, JSON_QUERY or JSON_VALUE"),
    "JsonParseExpr": (17, "JSON()"),
    "JsonScalarExpr": (17, "JSON_SCALAR"),
    "JsonSerializeExpr": (17, "JSON_SERIALIZE"),
    "JsonIsPredicate": (16, "IS JSON"),
    "JsonObjectConstructor": (16, "JSON_OBJECT"),
    "JsonArrayConstructor": (16, "JSON_ARRAY"),
    "CTESearchClause": (14, "SEARCH in a recursive query"),
    "CTECycleClause": (14, "CYCLE in a recursive query"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Requirement:
    """`feature` is there since PostgreSQL `version`; `function` where it is a function's bare name."""

    version: int
    feature: str
    function: str | None = None


def requirements(sql: str) -> tuple[Requirement, ...]:
    """What the statement needs that PostgreSQL 13 does not have, each once."""
    if not _WORTH_PARSING.search(sql):
        return ()
    found: dict[Requirement, None] = {}
    for message in walk(postgast.parse(sql)):
        kind = type(message).__name__
        if kind in _NODES:
            found[Requirement(*_NODES[kind])] = None
        if kind in _DETECTORS:
            found.update(dict.fromkeys(_DETECTORS[kind](message)))
    return tuple(found)


_WORDS = (
    *_SINCE, "merge", "json", "json_\\w+", "search", "cycle", "enforced", "virtual", "distinct", "concurrently",
    "finalize", "compression", "storage", "access", "expression", "overlaps", "period", "tablespace",
    "parameter", "maintain", "replace", "begin\\s+atomic", "return", "security_invoker", "statistics", "\\w*multirange",
    "publication", "copy", "set\\s+(?:null|default)\\s*\\(", "generated\\s+always\\s+as\\s*\\(",
    "(?:add|constraint\\s+\\S+)\\s+not\\s+null",
)  # fmt: skip
_WORTH_PARSING = re.compile(rf"\b(?:{'|'.join(_WORDS)})|,\s*not\s+null\b", re.IGNORECASE)


def _action(node: Any) -> Iterator[Requirement]:
    detail = inner(getattr(node, "def")) if node.HasField("def") else None
    if node.subtype == pg.AT_SetExpression:
        yield Requirement(17, "SET EXPRESSION")
    elif node.subtype == pg.AT_SetCompression:
        yield Requirement(14, "SET COMPRESSION")
    elif node.subtype == pg.AT_SetAccessMethod:
        yield (
            Requirement(15, "SET ACCESS METHOD")
            if node.name
            else Requirement(17, "SET ACCESS METHOD DEFAULT")
        )
    elif node.subtype == pg.AT_DetachPartitionFinalize or getattr(detail, "concurrent", False):
        yield Requirement(14, "DETACH PARTITION CONCURRENTLY")
    elif node.subtype == pg.AT_AlterConstraint and detail is not None and detail.alter_enforceability:
        yield Requirement(18, "ALTER CONSTRAINT ... ENFORCED")


def _constraint(node: Any) -> Iterator[Requirement]:
    if node.contype == pg.CONSTR_NOTNULL and node.keys:
        yield Requirement(18, "NOT NULL as a constraint of the table")
    if node.contype == pg.CONSTR_ATTR_NOT_ENFORCED or (
        node.contype in (pg.CONSTR_CHECK, pg.CONSTR_FOREIGN) and not node.is_enforced
    ):
        yield Requirement(18, "NOT ENFORCED")
    if node.without_overlaps or node.fk_with_period:
        yield Requirement(18, "WITHOUT OVERLAPS and PERIOD")
    if node.contype == pg.CONSTR_GENERATED and node.generated_kind == "v":
        yield Requirement(18, "a virtual generated column")
    if node.nulls_not_distinct:
        yield Requirement(15, "NULLS NOT DISTINCT")
    if node.fk_del_set_cols:
        yield Requirement(15, "ON DELETE SET NULL or DEFAULT with columns")


def _column(node: Any) -> Iterator[Requirement]:
    if node.compression:
        yield Requirement(14, "COMPRESSION of a column")
    if node.storage_name:
        yield Requirement(16, "STORAGE of a new column")


def _index(node: Any) -> Iterator[Requirement]:
    if node.nulls_not_distinct:
        yield Requirement(15, "NULLS NOT DISTINCT")


def _merge(node: Any) -> Iterator[Requirement]:
    clauses = [inner(each) for each in node.merge_when_clauses]
    if any(each.match_kind == pg.MERGE_WHEN_NOT_MATCHED_BY_SOURCE for each in clauses):
        yield Requirement(17, "WHEN NOT MATCHED BY SOURCE")


def _trigger(node: Any) -> Iterator[Requirement]:
    if node.replace:
        yield Requirement(14, "CREATE OR REPLACE TRIGGER")


def _function(node: Any) -> Iterator[Requirement]:
    if node.HasField("sql_body"):
        yield Requirement(14, "a function's body as SQL instead of text")


def _view(node: Any) -> Iterator[Requirement]:
    if any(inner(each).defname == "security_invoker" for each in node.options):
        yield Requirement(15, "security_invoker of a view")


def _statistics(node: Any) -> Iterator[Requirement]:
    if any(inner(each).HasField("expr") for each in node.exprs):
        yield Requirement(14, "CREATE STATISTICS of an expression")


def _grant(node: Any) -> Iterator[Requirement]:
    if node.objtype == pg.OBJECT_PARAMETER_ACL:
        yield Requirement(15, "GRANT ON PARAMETER")
    if any(inner(each).priv_name == "maintain" for each in node.privileges):
        yield Requirement(17, "GRANT MAINTAIN")


def _reindex(node: Any) -> Iterator[Requirement]:
    if any(inner(each).defname == "tablespace" for each in node.params):
        yield Requirement(14, "REINDEX with a tablespace")


def _copy(node: Any) -> Iterator[Requirement]:
    options = {inner(each).defname for each in node.options}
    if options & {"on_error", "log_verbosity"}:
        yield Requirement(17, "COPY with ON_ERROR")
    if "default" in options:
        yield Requirement(16, "COPY with DEFAULT")


def _published(node: Any) -> Iterator[Requirement]:
    if node.HasField("where_clause") or node.columns:
        yield Requirement(15, "rows or columns of a publication")


def _type(node: Any) -> Iterator[Requirement]:
    if node.names and strings(node.names)[-1].endswith("multirange"):
        yield Requirement(14, "multiranges")


def _call(node: Any) -> Iterator[Requirement]:
    names = strings(node.funcname)
    if names and names[-1] in _SINCE and names[:-1] in ((), ("pg_catalog",)):
        yield Requirement(_SINCE[names[-1]], f"{names[-1]}()", names[-1])


_DETECTORS: dict[str, Callable[[Any], Iterator[Requirement]]] = {
    "AlterTableCmd": _action,
    "Constraint": _constraint,
    "ColumnDef": _column,
    "IndexStmt": _index,
    "MergeStmt": _merge,
    "CreateTrigStmt": _trigger,
    "CreateFunctionStmt": _function,
    "ViewStmt": _view,
    "CreateStatsStmt": _statistics,
    "GrantStmt": _grant,
    "ReindexStmt": _reindex,
    "CopyStmt": _copy,
    "PublicationTable": _published,
    "TypeName": _type,
    "FuncCall": _call,
}
