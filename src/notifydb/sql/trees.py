"""Small helpers for the parser's protobuf trees, which nothing outside of this package sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # The stub file of postgast 0.2.0 names a field `def`: not Python, and mypy stops at it.
    pg: Any
    postgast: Any
else:
    import postgast
    from postgast import pg_query_pb2 as pg

__all__ = ["functions_in", "inner", "is_null", "pg", "postgast", "strings", "walk"]


def inner(node: Any) -> Any:
    """The message inside of a `Node` wrapper; anything else as it is."""
    return postgast.unwrap_node(node)


def strings(items: Iterable[Any]) -> tuple[str, ...]:
    """The texts of a list of String nodes, for example the parts of a qualified name."""
    return tuple(inner(item).sval for item in items if hasattr(inner(item), "sval"))


def walk(node: Any) -> Iterator[Any]:
    """Every message of the tree, from the top down."""
    for _, message in postgast.walk(node):
        yield message


def functions_in(node: Any) -> tuple[str, ...]:
    """The names of the functions that the tree calls, each once, schema left out, in order.

    `CURRENT_DATE` and its like are keywords and none of them is volatile (Postgres docs section 9.9.5).
    """
    names = [strings(found.funcname)[-1] for found in walk(node) if type(found).__name__ == "FuncCall"]
    return tuple(dict.fromkeys(names))


def is_null(node: Any) -> bool:
    """Whether the expression is the constant NULL, with or without a cast."""
    expression = inner(node)
    while type(expression).__name__ == "TypeCast":
        expression = inner(expression.arg)
    return type(expression).__name__ == "A_Const" and bool(expression.isnull)
