"""The two files between git's conflict markers: two-way, diff3 and zdiff3, any number of hunks."""

from __future__ import annotations

import dataclasses
import enum
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from notifydb.errors import HistoryError

# Seven characters and no more: longer ones are git's own, of a conflict inside of the common ancestor.
_BEGIN: Final = re.compile(rb"<{7}(?: .*)?\r?\n?")
_BASE: Final = re.compile(rb"\|{7}(?: .*)?\r?\n?")
_MIDDLE: Final = re.compile(rb"={7}\r?\n?")
_END: Final = re.compile(rb">{7}(?: .*)?\r?\n?")
# In a file that both sides renamed, each to its own name, they have one character more.
_RENAMED: Final = re.compile(rb"^<{8} .*\n(?:.*\n)*?={8}\r?\n(?:.*\n)*?>{8} ", re.MULTILINE)
_SUSPECT: Final = re.compile(rb"^(?:<{7}|>{7})(?: |\r?$)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, slots=True)
class Hunk:
    """One conflict: what either side has, and from which to which line of the file it is."""

    first: bytes
    second: bytes
    lines: tuple[int, int]
    has_base: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Conflict:
    """A file with conflicts: `parts` are what both sides have, and hunks; the first side is HEAD's."""

    parts: tuple[bytes | Hunk, ...]

    @property
    def hunks(self) -> tuple[Hunk, ...]:
        return tuple(each for each in self.parts if isinstance(each, Hunk))

    def side(self, *, second: bool) -> bytes:
        """The whole file as one side has it."""
        return b"".join(_of(each, second) if isinstance(each, Hunk) else each for each in self.parts)

    def first_but(self, hunk: Hunk) -> bytes:
        """The first side, with one hunk as the second has it."""
        return b"".join(_of(each, each is hunk) if isinstance(each, Hunk) else each for each in self.parts)


def parse(content: bytes, path: Path) -> Conflict | None:
    """The conflicts in a file, None if it has none.

    Raises HistoryError, with the line, for markers that are not whole: somebody has edited half of them away.
    """
    if not _SUSPECT.search(content):
        if b"<<<<<<<<" in content and _RENAMED.search(content):
            raise _renamed_twice(path)
        return None
    return Conflict(tuple(_Parser(path).parts(content)))


class _State(enum.Enum):
    BOTH = "both"
    FIRST = "first"
    BASE = "base"
    SECOND = "second"


@dataclasses.dataclass(slots=True)
class _Parser:
    path: Path
    state: _State = _State.BOTH
    began: int = 0
    text: dict[_State, list[bytes]] = dataclasses.field(default_factory=lambda: {each: [] for each in _State})

    def parts(self, content: bytes) -> Iterator[bytes | Hunk]:
        number = 0
        for number, line in enumerate(re.findall(rb"[^\n]*\n|[^\n]+", content), start=1):
            if _BEGIN.fullmatch(line):
                self._expect(number, _State.BOTH)
                yield self._taken(_State.BOTH)
                self.state, self.began = _State.FIRST, number
            elif _END.fullmatch(line):
                self._expect(number, _State.SECOND)
                yield self._hunk(number)
                self.state = _State.BOTH
            elif self.state is _State.FIRST and _BASE.fullmatch(line):
                self.state = _State.BASE
            elif self.state in (_State.FIRST, _State.BASE) and _MIDDLE.fullmatch(line):
                self.state = _State.SECOND
            else:
                self.text[self.state].append(line)
        self._expect(self.began, _State.BOTH)
        yield self._taken(_State.BOTH)

    def _hunk(self, end: int) -> Hunk:
        first, base, second = map(self._taken, (_State.FIRST, _State.BASE, _State.SECOND))
        return Hunk(first, second, (self.began, end), has_base=bool(base))

    def _taken(self, state: _State) -> bytes:
        taken = b"".join(self.text[state])
        self.text[state].clear()
        return taken

    def _expect(self, line: int, state: _State) -> None:
        if self.state is not state:
            raise HistoryError(
                f"{self.path}:{line}: this conflict marker has lost its other half",
                hint=f"git checkout --merge {self.path} puts both sides back",
            )


def _renamed_twice(path: Path) -> HistoryError:
    return HistoryError(
        f"{path}: both branches gave this migration another name, and git left it under both",
        hint="git rebase --skip, if the commit only renumbers; or keep the file that HEAD has "
        f"(git checkout HEAD -- FILE), git rm the other, and run this again in {path.parent}",
    )


def _of(hunk: Hunk, second: bool) -> bytes:
    return hunk.second if second else hunk.first
