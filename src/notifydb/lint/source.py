"""Places in the source of a migration that rules point at."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

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


def assigned_names(tree: ast.Module) -> set[str]:
    """The names that the module defines, imports or assigns anywhere."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def imported_modules(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    """Each import in the file, wherever it stands, and the module's dotted name."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from ((node, alias.name) for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node, module
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if ast.unparse(node.func) in _IMPORTING:
                yield node, module


_IMPORTING = ("importlib.import_module", "import_module", "__import__")


def full_names(tree: ast.Module) -> Callable[[ast.expr], str]:
    """A function that writes out an expression with what imports have renamed: `uuid4` is `uuid.uuid4`."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known.update({alias.asname: alias.name for alias in node.names if alias.asname})
        elif isinstance(node, ast.ImportFrom):
            known.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})

    def name(expression: ast.expr) -> str:
        first, dot, rest = ast.unparse(expression).partition(".")
        return f"{known.get(first, first)}{dot}{rest}"

    return name
