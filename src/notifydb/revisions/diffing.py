"""One changed file as git shows it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator
from pathlib import Path


def file_diff(
    old: Path | None,
    new: Path | None,
    before: bytes | None,
    after: bytes | None,
    *,
    root: Path,
    mode: int | None = None,
) -> str:
    """A unified diff with git's header; empty if nothing changes.

    `old` is None for a new file, `new` for a deleted one; names are shown relative to `root`.
    """
    if old == new and before == after:
        return ""
    was, now = _name(old, root), _name(new, root)
    return "".join([*_header(was, now, before == after, mode), *_hunks(was, now, before, after)])


def _name(path: Path | None, root: Path) -> str | None:
    return None if path is None else Path(os.path.relpath(path, root)).as_posix()


def _header(was: str | None, now: str | None, same: bool, mode: int | None) -> Iterator[str]:
    bits = "100755" if (mode or 0) & 0o100 else "100644"
    yield f"diff --git a/{was or now} b/{now or was}\n"
    if was is None:
        yield f"new file mode {bits}\n"
    elif now is None:
        yield f"deleted file mode {bits}\n"
    elif was != now:
        yield "similarity index 100%\n" if same else ""
        yield f"rename from {was}\nrename to {now}\n"


def _hunks(was: str | None, now: str | None, before: bytes | None, after: bytes | None) -> Iterator[str]:
    from_file = f"a/{was}" if was else "/dev/null"
    to_file = f"b/{now}" if now else "/dev/null"
    for line in difflib.unified_diff(_lines(before), _lines(after), from_file, to_file):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(content: bytes | None) -> list[str]:
    # Only \n ends a line for git; str.splitlines() would see a form feed as one too.
    text = (content or b"").decode("utf-8", "backslashreplace")
    *whole, last = text.split("\n")
    return [*(f"{line}\n" for line in whole), *([last] if last else [])]
