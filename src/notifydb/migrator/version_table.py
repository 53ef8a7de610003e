"""Whether a project's `env.py` keeps its revision in another table than `alembic_version`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from notifydb import errors
from notifydb.migrator.config import Project

#: What each argument may be, for the table to be the one that notifydb reads and writes.
_OURS: Final = {"version_table": ("alembic_version",), "version_table_schema": (None, "public")}


def check_version_table(project: Project) -> None:
    """Raises ConfigurationError where `env.py` names another version table; its text is read, it is not run.

    An `env.py` that is not there, or cannot be read, says nothing.
    """
    try:
        tree = ast.parse((project.script_location / "env.py").read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    others = {name: value for name, value in _arguments(tree) if not _is_ours(name, value)}
    if others:
        given = ", ".join(f"{name}={ast.unparse(value)}" for name, value in others.items())
        is_known = all(isinstance(value, ast.Constant) for value in others.values())
        drop = f"drop {' and '.join(others)} from env.py"
        move = f"{_moved(others)} in the database, and {drop}"
        raise errors.ConfigurationError(
            f"env.py {'keeps' if is_known else 'may keep'} the database's revision in another table ({given});"
            " notifydb does not run env.py, keeps it in alembic_version, and would apply every migration again",
            hint=move if is_known else f"if it is alembic_version, in public, {drop}; if not, {move}",
        )


def _arguments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """By keyword, or in a dictionary that becomes them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from ((each.arg, each.value) for each in node.keywords if each.arg in _OURS)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value in _OURS:
                    yield key.value, value


def _is_ours(name: str, value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value in _OURS[name]


def _moved(others: dict[str, ast.expr]) -> str:
    """The SQL that makes the other table alembic_version."""
    table = _named(others.get("version_table"), "alembic_version", "THAT_TABLE")
    schema = _named(others.get("version_table_schema"), None, "THAT_SCHEMA")
    statements = [f"ALTER TABLE {schema}.{table} SET SCHEMA public;"] if schema else []
    if table != "alembic_version":
        statements.append(f"ALTER TABLE {table} RENAME TO alembic_version;")
    return " ".join(statements)


def _named(value: ast.expr | None, absent: str | None, unread: str) -> str | None:
    if value is None:
        return absent
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else unread
