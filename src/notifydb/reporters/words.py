"""Paths, counts, sizes, durations and text as a reader knows them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Milliseconds of each unit, and where the next one begins.
_UNITS: Final = ((1, "ms", 1000), (1000, "s", 120), (60_000, "min", 120))
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def relative(path: Path, root: Path) -> str:
    """The path from the project's root with forward slashes; as it is, where it lies outside or is `<stdin>`."""
    if path.name.startswith("<"):
        return path.name
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 finding`, `2 findings`, `1,000 rows`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def roughly_many(rows: int) -> str:
    """`12 million rows`: it is an estimate of the server's."""
    if rows < 1_000_000:
        return count(rows, "row")
    millions = rows / 1_000_000
    return f"{millions:.1f} million rows" if millions < 10 else f"{millions:,.0f} million rows"


def bytes_of(number: float) -> str:
    """`812 B`, `14 kB`, `8 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}"
        number /= 1000
    return f"{number:.0f} TB"


def duration(milliseconds: float, *, roughly: bool = False) -> str:
    """`3.1 ms`, `41 s`, `4.2 min`, `3 h`; or, as an estimate deserves, `3 ms`, `40 s`, `4 min`."""
    hours = (3_600_000, "h", float("inf"))
    size, unit = next((size, unit) for size, unit, limit in (*_UNITS, hours) if milliseconds / size < limit)
    amount = milliseconds / size
    if roughly:
        return f"{float(f'{amount:.1g}'):,.0f} {unit}" if amount >= 1 else f"1 {unit}"
    return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:,.0f} {unit}"


def printable(text: str) -> str:
    """Without control characters: what a migration says must not steer a terminal or end a line."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    return "".join(each if each == "\n" or each.isprintable() else _REPLACEMENT for each in text)


def shortened(text: str, most: int) -> str:
    """At most that many characters, in one line."""
    # Of a megabyte of SQL only the beginning is worth splitting.
    line = " ".join(printable(text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 3].rstrip()}..."
