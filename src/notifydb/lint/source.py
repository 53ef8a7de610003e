"""Places in the source of a migration that rules point at."""

from __future__ import annotations

import ast

from notifydb.findings import Location
from notifydb.revisions.graph import Revision
from notifydb.revisions.reader import parse_module


def function(tree: ast.Module, name: str) -> ast.FunctionDef | None:
    """The module's function of that name; the last one, if there are several, as in Python."""
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return found[-1] if found else None


def function_line(tree: ast.Module, name: str) -> int:
    """The line of the function's head, 1 if there is none."""
    found = function(tree, name)
    return found.lineno if found else 1


def is_empty(node: ast.FunctionDef) -> bool:
    """Whether the body does nothing: docstrings, `pass` and `...` only."""
    return all(
        isinstance(each, ast.Pass) or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        for each in node.body
    )


def can_be_undone(tree: ast.Module) -> bool:
    """Whether there is a downgrade() that does more than nothing, or to refuse."""
    node = function(tree, "downgrade")
    return node is not None and not is_empty(node) and not isinstance(node.body[-1], ast.Raise)


def assignment_line(revision: Revision, name: str) -> int:
    """The line on which the module assigns `name`, 1 if it does not."""
    for node in parse_module(revision.path.read_bytes(), revision.path).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return node.lineno
    return 1


def existing_type(source: str, place: Location) -> tuple[str, int | None] | None:
    """The `existing_type=` of the operation at the place: the name of its class, and its length.

    None where none is written, or where it is more than a call with a number.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return None
    found = [
        keyword.value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and (call.lineno, call.end_lineno) == (place.line, place.end_line)
        for keyword in call.keywords
        if keyword.arg == "existing_type"
    ]
    if len(found) != 1:
        return None
    kind, arguments = found[0], []
    if isinstance(kind, ast.Call):
        arguments = [*kind.args, *(keyword.value for keyword in kind.keywords if keyword.arg == "length")]
        kind = kind.func
    name = kind.attr if isinstance(kind, ast.Attribute) else kind.id if isinstance(kind, ast.Name) else ""
    lengths = [each.value for each in arguments if isinstance(each, ast.Constant)]
    return name, next((each for each in lengths if isinstance(each, int)), None)
