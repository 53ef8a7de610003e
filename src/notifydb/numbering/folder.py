"""The migrations of a folder as they are meant, where git could not make one file of two."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from notifydb.revisions.changes import FileChange


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What a migration is meant to hold, and the file it is in now; `apart`, it leaves that to another."""

    path: Path
    content: bytes
    apart: bool = False

    @classmethod
    def on_disk(cls, path: Path) -> Source:
        return cls(path, path.read_bytes())

    def change(self, new: Path, after: bytes) -> FileChange:
        """The change that puts `after` into `new`."""
        change = FileChange.of(self.path, new, after)
        return dataclasses.replace(change, old=None, before=None) if self.apart else change
