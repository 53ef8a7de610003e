"""What reporters share: paths as readers know them, source lines, counts in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from notifydb.findings import Report


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """How a report is to be shown: paths relative to `root`; `color` and `verbose` are for people only."""

    root: Path
    color: bool = False
    verbose: bool = False


Reporter = Callable[[Report, View], str]


def relative(path: Path, root: Path) -> str:
    """The path from the project's root with forward slashes; as it is, where it lies outside."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def source_lines(path: Path, first: int, last: int) -> list[tuple[int, str]]:
    """The numbered lines of a file; none when it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [(number, lines[number - 1]) for number in range(first, last + 1) if 0 < number <= len(lines)]


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 finding`, `2 findings`, `1,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
