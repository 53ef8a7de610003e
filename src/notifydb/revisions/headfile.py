"""The file that names the head, so that git sees a conflict when two branches add a migration."""

from __future__ import annotations

import dataclasses
import enum
import re
from pathlib import Path
from typing import Final

from notifydb.errors import ConfigurationError, UsageError
from notifydb.revisions import changes
from notifydb.revisions.changes import FileChange
from notifydb.revisions.graph import History

HEAD_FILE: Final = ".current-alembic-head"

# Alembic reads these itself, and they lie in the same folder.
_ALEMBICS: Final = frozenset({".py", ".mako", ".ini"})
_OURS: Final = re.compile(r"^<{7}[^\n]*\n(.*?)^(?:\|{7}|={7})", re.MULTILINE | re.DOTALL)
_THEIRS: Final = re.compile(r"^={7}[^\n]*\n(.*?)^>{7}", re.MULTILINE | re.DOTALL)


class HeadProblem(enum.StrEnum):
    """What can be wrong with the head file."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    CONFLICT = "conflict"
    SEVERAL_LINES = "several-lines"
    UNKNOWN = "unknown"
    NOT_HEAD = "not-head"
    SEVERAL_HEADS = "several-heads"


@dataclasses.dataclass(frozen=True, slots=True)
class HeadFile:
    """What the file says: `names` is one id; both sides' ids, ours first, if git left a conflict.

    `message` says the problem in words; both are None for a file that names the head.
    """

    path: Path
    names: tuple[str, ...] = ()
    problem: HeadProblem | None = None
    message: str | None = None


def path_in(folder: Path, name: str) -> Path | None:
    """The head file in the Alembic folder by the setting `head_file`; None where that is empty.

    Raises ConfigurationError for what is not the plain name of a file that could be overwritten.
    """
    if not name:
        return None
    path = folder / name
    if path.parent != folder or name in (".", "..", "versions") or not name.isprintable() or "\\" in name:
        raise ConfigurationError(
            f"head_file = {name!r} is not the name of a file in {folder}",
            hint=f'write head_file = "{HEAD_FILE}" into the settings, or "" for none',
        )
    if path.suffix in _ALEMBICS:
        raise ConfigurationError(
            f"head_file = {name!r} could be a file that Alembic needs",
            hint=f'write head_file = "{HEAD_FILE}"',
        )
    return path


def read(path: Path, history: History) -> HeadFile:
    """What the head file says of `history`; raises nothing for what a person or git left in it."""
    try:
        text = path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return HeadFile(path, (), HeadProblem.MISSING, f"{path.name} is missing")
    except OSError as error:
        return HeadFile(path, (), HeadProblem.UNREADABLE, f"{path.name} cannot be read: {error.strerror}")
    names = tuple(text.split())
    if re.search(r"^(?:<{7}|>{7}|={7}|\|{7})", text, re.MULTILINE):
        sides = tuple(
            name for side in (_OURS, _THEIRS) for found in side.findall(text) for name in found.split()
        )
        return HeadFile(path, sides, HeadProblem.CONFLICT, f"git left conflict markers in {path.name}")
    if not names:
        return HeadFile(path, (), HeadProblem.EMPTY, f"{path.name} is empty")
    if len(names) > 1:
        return HeadFile(path, names, HeadProblem.SEVERAL_LINES, f"{path.name} names {len(names)} revisions")
    return _compared(path, names[0], history)


def _compared(path: Path, name: str, history: History) -> HeadFile:
    heads = history.heads
    if name not in history.revisions:
        problem, message = HeadProblem.UNKNOWN, f"names {name!r}, which no migration has"
    elif len(heads) > 1:
        problem, message = HeadProblem.SEVERAL_HEADS, f"names {name}, and there are {len(heads)} heads"
    elif name != heads[0]:
        problem, message = HeadProblem.NOT_HEAD, f"names {name}, and the head is {heads[0]}"
    else:
        return HeadFile(path, (name,))
    return HeadFile(path, (name,), problem, f"{path.name} {message}")


def content(revision: str) -> bytes:
    """The bytes of a head file that names `revision`."""
    return f"{revision}\n".encode()


def change(path: Path, revision: str) -> FileChange:
    """The change that makes the file name `revision`, whatever it holds now, or makes it."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise UsageError(
            f"{path} is to name the head, and is no plain file",
            hint=f"remove {path.name}, or give head_file another name in the settings",
        )
    return FileChange.of(path if path.exists() else None, path, content(revision))


def write(path: Path, revision: str) -> None:
    """Make the head file name `revision`; UsageError if it cannot be written."""
    try:
        changes.replace_file(path, content(revision))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written ({error.strerror})", hint=f"look at the permissions of {path.parent}"
        ) from error
