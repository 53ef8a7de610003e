"""Formats a new migration with the project's own formatter, which may change how it looks and nothing else."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

_SECONDS: Final = 30
_RUFF: Final = ("ruff", "format", "--quiet", "--stdin-filename", "{path}", "-")
_BLACK: Final = ("black", "--quiet", "--stdin-filename", "{path}", "-")


@dataclasses.dataclass(frozen=True, slots=True)
class Formatted:
    """The source as it is to be written; `problem` is why it is not formatted, where it should have been."""

    source: str
    problem: str | None = None


class _NotUsed(Exception):
    """Why the formatter's work is not used."""


def format_source(source: str, path: Path, project_root: Path, configured: str | None) -> Formatted:
    """`source`, which is to be written to `path`, formatted by a command that reads stdin and writes stdout.

    `configured` is that command, `{path}` in it is replaced; empty is none, and None is ruff or black where
    the project configures it. It runs in the project's root, without a shell.
    """
    try:
        command = _detected(project_root) if configured is None else shlex.split(configured)
        if not command:
            return Formatted(source)
        formatted = _run([part.replace("{path}", str(path)) for part in command], source, project_root)
        _check_same(source, formatted, command[0])
    except (_NotUsed, ValueError) as problem:
        return Formatted(source, f"not formatted: {problem}")
    return Formatted(formatted)


def _detected(root: Path) -> Sequence[str]:
    tools = _tools(root / "pyproject.toml")
    if "ruff" in tools or any((root / name).is_file() for name in ("ruff.toml", ".ruff.toml")):
        return _RUFF
    return _BLACK if "black" in tools else ()


def _tools(pyproject: Path) -> dict[str, Any]:
    try:
        tools = tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _NotUsed(f"pyproject.toml cannot be read: {error}") from error
    return tools if isinstance(tools, dict) else {}


def _run(command: Sequence[str], source: str, root: Path) -> str:
    name = command[0]
    try:
        done = subprocess.run(
            [_found(name), *command[1:]],
            cwd=root, input=source.encode(), capture_output=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _NotUsed(f"{name} took longer than {_SECONDS} seconds") from error
    except OSError as error:
        raise _NotUsed(f"{name} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _NotUsed(f"{name} failed: {said[0] if said else f'exit {done.returncode}'}")
    try:
        return done.stdout.decode()
    except UnicodeDecodeError as error:
        raise _NotUsed(f"{name} gives back no UTF-8") from error


def _found(name: str) -> str:
    """Beside the running Python first: that is the project's environment."""
    beside = shutil.which(name, path=str(Path(sys.executable).parent)) if "/" not in name else name
    found = beside or shutil.which(name)
    if found is None:
        raise _NotUsed(f"{name} is not installed")
    return found


def _check_same(source: str, formatted: str, name: str) -> None:
    try:
        same = _meaning(formatted) == _meaning(source)
    except (SyntaxError, ValueError) as error:
        raise _NotUsed(f"{name} makes no Python") from error
    if not same:
        raise _NotUsed(f"{name} would change what the migration does")


def _meaning(source: str) -> str:
    """The code without its looks; formatters indent docstrings, too."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            docstring = node.body[0]
            assert isinstance(docstring, ast.Expr)
            text = ast.literal_eval(docstring.value)
            docstring.value = ast.Constant(
                "\n".join(line.strip() for line in inspect.cleandoc(text).splitlines()).strip()
            )
    return ast.dump(tree)
