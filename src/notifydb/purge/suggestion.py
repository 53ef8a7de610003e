"""A first configuration of the purge, as a value and as commented TOML."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Final

_HEAD: Final = """\
# A first draft from the schema and the rows of database {database}: read it before it is used.
# Lines that are commented out need somebody's decision. `notifydb purge --explain` shows what comes of it.
# In notifydb.toml this section is called [purge].
[tool.notifydb.purge]
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list; a `doubtful` one is written as a comment."""

    text: str
    note: str = ""
    doubtful: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One setting: its `comment`, and a plain value or a list."""

    name: str
    comment: str
    value: bool | str | tuple[Item, ...]

    @property
    def plain(self) -> object:
        """The value as the settings take it."""
        if isinstance(self.value, tuple):
            return tuple(item.text for item in self.value if not item.doubtful)
        return self.value

    def lines(self) -> Iterator[str]:
        yield ""
        yield f"# {_printable(self.comment)}"
        if not isinstance(self.value, tuple):
            yield f"{self.name} = {_constant(self.value)}"
        elif not self.value:
            yield f"{self.name} = []"
        else:
            yield f"{self.name} = ["
            for item in self.value:
                note = f"  # {_printable(item.note)}" if item.note else ""
                yield f"    {'# ' * item.doubtful}{_constant(item.text)},{note}"
            yield "]"


@dataclasses.dataclass(frozen=True, slots=True)
class Suggestion:
    """A configuration for one database; `notes` say what it could not know."""

    database: str
    entries: tuple[Entry, ...]
    notes: tuple[str, ...]

    @property
    def values(self) -> Mapping[str, object]:
        """The settings, without what is in doubt."""
        return {entry.name: entry.plain for entry in self.entries}

    def toml(self) -> str:
        """The settings with a comment each."""
        lines = [line for entry in self.entries for line in entry.lines()]
        return _HEAD.format(database=_printable(self.database)) + "\n".join([*lines, ""])


def _constant(value: bool | str) -> str:
    if isinstance(value, str) and '"' in value and "'" not in value and value.isprintable():
        return f"'{value}'"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _printable(text: str) -> str:
    """On one line, whatever a name holds."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
