"""Which lines of a migration, and of the helpers it calls, led to a statement or to a failure."""

from __future__ import annotations

import ast
import dataclasses
import functools
import importlib.util
import inspect
import sysconfig
import traceback
from pathlib import Path
from types import FrameType

import alembic
import sqlalchemy
import sqlalchemy.exc

import notifydb
from notifydb.migrator.foreign import named
from notifydb.revisions.reader import parse_module

#: Functions of Alembic and SQLAlchemy that ask the server on their own account, whoever calls them.
_OWN_QUESTIONS = ("_ensure_version_table", "get_current_heads", "get_isolation_level", "update_to_step")


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """A call in a file; lines count from 1, `end_line` is inclusive."""

    path: Path
    line: int
    end_line: int


def call_chain(entry: Frame) -> tuple[Frame, ...]:
    """The frames on the stack from the migration of `entry` inward, outermost first; empty for what is not the
    migration's doing.

    What a migration sends without being on the stack, through a listener or with another module's function
    as its `upgrade`, begins with `entry`. Frames of Alembic, SQLAlchemy, psycopg, notifydb and the standard
    library are left out.
    """
    found: list[Frame] = []
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name != "run_migrations":
        if frame.f_code.co_name in _OWN_QUESTIONS:
            return ()
        path = _path_of(frame.f_code.co_filename)
        if path is not None:
            found.append(_position(frame, path))
        frame = frame.f_back
    found.reverse()
    for depth, each in enumerate(found):
        if each.path == entry.path:
            return tuple(found[depth:])
    return (entry, *found)


def entry_of(migration: Path) -> Frame:
    """The head of its `upgrade`, or the file's first line where it has none of its own."""
    heads = [
        node.lineno
        for node in parse_module(migration.read_bytes(), migration).body
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
    ]
    line = heads[-1] if heads else 1
    return Frame(_resolved(str(migration)), line, line)


def is_alembics_own() -> bool:
    """Whether Alembic itself is beginning or ending a transaction, as an autocommit block makes it do."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_code.co_name in ("emit_begin", "emit_commit"):
            return True
        frame = frame.f_back
    return False


def _position(frame: FrameType, path: Path) -> Frame:
    """The span of the call in progress; only its line under `-X no_debug_ranges`."""
    positions = list(frame.f_code.co_positions())
    line, end_line, _, _ = positions[frame.f_lasti // 2] if frame.f_lasti >= 0 else (None,) * 4
    start = line or frame.f_lineno
    return Frame(path, start, max(start, end_line or start))


@functools.cache
def _path_of(filename: str) -> Path | None:
    """The file, or None for machinery: what it does is the doing of whoever called it."""
    if filename.startswith("<"):
        return None
    path = _resolved(filename)
    return None if any(path.is_relative_to(folder) for folder in _machinery()) else path


@functools.cache
def _machinery() -> tuple[Path, ...]:
    packages = [Path(str(package.__file__)).parent for package in (alembic, sqlalchemy, notifydb)]
    # The driver is not loaded where nothing is run.
    packages += [Path(place) for place in _places("psycopg")]
    libraries = [Path(sysconfig.get_path("stdlib"))]
    return tuple(path.resolve() for path in packages) + tuple(path.resolve() for path in libraries)


def _places(package: str) -> list[str]:
    spec = importlib.util.find_spec(package)
    return list(spec.submodule_search_locations or ()) if spec else []


@functools.cache
def _resolved(filename: str) -> Path:
    return Path(filename).resolve()


def where(folder: Path, error: BaseException) -> str:
    """` at FILE:LINE` for the innermost line of a file below `folder`, empty if none was involved."""
    trace = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in trace if Path(frame.filename).is_relative_to(folder)]
    return f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def line_in(path: Path, error: BaseException) -> int | None:
    """The innermost line of the file that led to the error, None if none did."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if _resolved(frame.filename) == _resolved(str(path))]
    return lines[-1] if lines else None


def is_refusal(error: BaseException) -> bool:
    """Whether a migration, or its helper, raised the error on purpose: with `raise`, not by a mishap."""
    if isinstance(error, NotImplementedError):
        return True
    innermost = traceback.extract_tb(error.__traceback__)[-1]
    return _path_of(innermost.filename) is not None and (innermost.line or "").startswith("raise")


def reason(error: BaseException) -> str:
    """What the server said, or the exception's name and text."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return str(error.orig).strip()
    return named(error)
