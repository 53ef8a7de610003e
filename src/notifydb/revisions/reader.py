"""Reading revisions from source: nothing is imported, nothing is run."""

from __future__ import annotations

import ast
import dataclasses
import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from notifydb.errors import HistoryError
from notifydb.revisions import changes
from notifydb.revisions.graph import History, Revision

FIELDS: Final = frozenset({"revision", "down_revision", "depends_on", "branch_labels", "replaces"})
_CREATED: Final = re.compile(r"^[ \t\f]*Create Date:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_FUNCTION: Final = re.compile(rb"[\r\n](?:def|class|async|@)")
_ENCODED: Final = b"coding"
_TELLING: Final = (b"\0", b"<<<<<<< ", *(field.encode() for field in sorted(FIELDS)))
# Of those that stand in a migration: what else has no statements of this module in it takes a little longer.
_WITHOUT_STATEMENTS: Final = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr,
    ast.Assign, ast.AnnAssign, ast.Expr, ast.Import, ast.ImportFrom,
)  # fmt: skip
_LABELS: Final = ("Revision ID:", "Revises:", "Create Date:", "Branch Labels:", "Depends on:")


@dataclasses.dataclass(frozen=True, slots=True)
class Declaration:
    """What a module says of itself: the value of each assigned field, and its docstring's node."""

    values: Mapping[str, ast.expr]
    docstring: ast.Constant | None
    has_upgrade: bool


def read_history(versions: Path) -> History:
    """The checked history of a versions folder; HistoryError says which file is wrong, and why."""
    return History(read_revisions(versions))


def read_revisions(versions: Path) -> tuple[Revision, ...]:
    """Every revision of the folder by file name, as written: ids may repeat and parents may be missing."""
    if not versions.is_dir():
        raise HistoryError(f"there is no versions folder {versions}", hint="notifydb init")
    if (versions / changes.JOURNAL).exists():
        # What a killed run left in between is no history; afterwards it is the new one.
        changes.recover(versions)
    paths = sorted(versions.iterdir(), key=lambda path: path.name)
    found = (_parse_file(path) for path in paths if is_migration(path))
    return tuple(each for each in found if each is not None)


def read_revision(path: Path) -> Revision:
    """The revision that one file declares; HistoryError if it declares none."""
    found = _parse_file(path)
    if found is None:
        raise HistoryError(f"{path} has no revision", hint=f"add revision and down_revision to {path.name}")
    return found


# The folder, the main branch and what is merged hold mostly the same files.
@cache
def parse_revision(source: bytes, path: Path) -> Revision | None:
    """The revision in the bytes of a file; None if it is a helper, with neither revision nor upgrade.

    `path` need not exist. Raises HistoryError, with path and line, if what is there cannot be read; a
    mistake in a body may be left for `parse_module`, which whoever judges, rewrites or runs the body calls.
    """
    declared = _declared_at_the_top(source, path) or declaration(parse_module(source, path), path)
    if "revision" not in declared.values and not declared.has_upgrade:
        return None
    return _revision(declared, path)


def is_migration(path: Path) -> bool:
    """Whether Alembic would load a file of this name: `.#x.py` is an editor's lock."""
    return path.suffix == ".py" and not path.name.startswith(("__init__", ".#"))


def parse_module(source: bytes | str, path: Path) -> ast.Module:
    """The syntax tree; bytes are decoded as Python does it. HistoryError if they cannot be parsed."""
    try:
        with warnings.catch_warnings():
            # Invalid escapes are Python's to report, when the migration runs.
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        raise _unparsable(source, path, error.lineno or 1, error.msg) from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise _unparsable(source, path, 1, str(error) or type(error).__name__) from error


def declaration(tree: ast.Module, path: Path) -> Declaration:
    """The fields that `tree` assigns; HistoryError for one that is bound twice or not plainly."""
    values: dict[str, ast.expr] = {}
    bound: set[str] = set()
    for statement, nested in _module_statements(tree):
        for name in _names_bound(statement):
            bound.add(name)
            if name not in FIELDS:
                continue
            if name in values:
                raise _wrong(path, statement.lineno, f"{name} is assigned twice")
            values[name] = _plain_value(statement, path, name, nested=nested)
    return Declaration(values, _docstring(tree), "upgrade" in bound)


def _declared_at_the_top(source: bytes, path: Path) -> Declaration | None:
    """What stands above the first function, if that settles it: bodies are most of a history's text.

    None if something below could bind a field too, if git left its markers there, or if the top is not
    one whole module with a revision in it.
    """
    first = _FUNCTION.search(source)
    if first is None or _ENCODED in source[: first.start()]:
        return None
    top, rest = source[: first.start() + 1], source[first.start() :]
    # Python takes letters of other scripts for their ASCII forms in names.
    if not rest.isascii() or any(word in rest for word in _TELLING):
        return None
    try:
        declared = declaration(parse_module(top, path), path)
    except HistoryError:
        return None
    return declared if declared.values.keys() >= {"revision", "down_revision"} else None


def texts(value: ast.expr | None) -> Iterator[ast.Constant] | None:
    """The string literals of a text, tuple, list or None, in order; None if `value` is anything else."""
    if value is None or (isinstance(value, ast.Constant) and value.value is None):
        return iter(())
    items = value.elts if isinstance(value, ast.Tuple | ast.List | ast.Set) else [value]
    found = [item for item in items if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    return iter(found) if len(found) == len(items) else None


def _parse_file(path: Path) -> Revision | None:
    try:
        source = path.read_bytes()
    except OSError as error:
        raise HistoryError(
            f"{path} cannot be read: {error.strerror}", hint=f"look at the permissions of {path}"
        ) from error
    return parse_revision(source, path)


def _revision(declared: Declaration, path: Path) -> Revision:
    values = declared.values
    for name in ("revision", "down_revision"):
        if name not in values:
            raise _wrong(path, 1, f"there is no {name}")
    ids = _strings(values, "revision", path)
    if len(ids) != 1 or not ids[0] or not isinstance(values["revision"], ast.Constant):
        raise _wrong(path, values["revision"].lineno, "revision is not one text")
    message, created = _described(declared.docstring)
    return Revision(
        id=ids[0],
        down_revisions=_strings(values, "down_revision", path),
        depends_on=_strings(values, "depends_on", path),
        branch_labels=_strings(values, "branch_labels", path),
        path=path,
        message=message,
        created=created,
        replaces=_strings(values, "replaces", path),
    )


def _strings(values: Mapping[str, ast.expr], name: str, path: Path) -> tuple[str, ...]:
    value = values.get(name)
    found = texts(value)
    if found is None:
        line = value.lineno if value is not None else 1
        raise _wrong(path, line, f"{name} is not a literal text, tuple, list or None")
    return tuple(str(item.value) for item in found)


def _described(docstring: ast.Constant | None) -> tuple[str, str | None]:
    text = str(docstring.value) if docstring else ""
    first = text.strip().partition("\n")[0].strip()
    created = _CREATED.search(text)
    return ("" if first.startswith(_LABELS) else first), (created[1] or None) if created else None


def _docstring(tree: ast.Module) -> ast.Constant | None:
    first = tree.body[0] if tree.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return first.value if isinstance(first.value.value, str) else None
    return None


def _module_statements(tree: ast.Module) -> Iterator[tuple[ast.stmt, bool]]:
    """Each statement that runs at import, and whether it is inside an if, try, with or loop."""
    todo: list[tuple[ast.AST, bool]] = [(each, False) for each in reversed(tree.body)]
    while todo:
        node, nested = todo.pop()
        if isinstance(node, ast.stmt):
            yield node, nested
        if isinstance(node, _WITHOUT_STATEMENTS):
            continue
        todo += [
            (each, True)
            for each in ast.iter_child_nodes(node)
            if isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case)
        ]


def _names_bound(statement: ast.stmt) -> Iterator[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (each.asname or each.name.partition(".")[0] for each in names)
        case ast.AnnAssign(value=None):
            return
        case _:
            for target in _targets(statement):
                parts = [target] if isinstance(target, ast.Name) else ast.walk(target)
                stored = (node for node in parts if isinstance(node, ast.Name))
                yield from (name.id for name in stored if not isinstance(name.ctx, ast.Load))


def _targets(statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            return targets
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target) | ast.For(target=target):
            return [target]
        case ast.With(items=items):
            return [each.optional_vars for each in items if each.optional_vars is not None]
        case _:
            return []


def _plain_value(statement: ast.stmt, path: Path, name: str, *, nested: bool) -> ast.expr:
    match statement:
        case ast.Assign(targets=targets, value=value):
            plain = all(isinstance(target, ast.Name) for target in targets)
        case ast.AnnAssign(target=ast.Name(), value=ast.expr() as value):
            plain = True
        case _:
            plain = False
    if not plain or nested:
        raise _wrong(path, statement.lineno, f"{name} is not plainly assigned at the top of the module")
    return value


def _wrong(path: Path, line: int, why: str) -> HistoryError:
    return HistoryError(
        f"{path}:{line}: {why}",
        hint=f'write each once, as text: revision = "{path.stem}", down_revision = "..." or None',
    )


def _unparsable(source: bytes | str, path: Path, line: int, why: str) -> HistoryError:
    marker = b"<<<<<<< " if isinstance(source, bytes) else "<<<<<<< "
    if marker in source:  # type: ignore[operator]
        return HistoryError(
            f"{path}:{line}: git left conflict markers in this file",
            hint="notifydb migrate rebase takes the two sides apart",
        )
    return HistoryError(f"{path}:{line}: {why}", hint=f"python -m py_compile {path}")
