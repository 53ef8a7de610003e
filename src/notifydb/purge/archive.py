"""The archive of a purge: what was deleted, on disk before the transaction that deletes it commits.

A folder holds `manifest.jsonl`, a JSON object a line, and files of gzip members, each of them the rows of one
segment as `COPY ... TO STDOUT` writes them (docs/purge.md has the whole format).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, Self

from notifydb import errors
from notifydb.postgres.relations import TableName
from notifydb.purge.deflate import packer

VERSION: Final = 1
FORMAT: Final = "notifydb purge archive"
MANIFEST: Final = "manifest.jsonl"
_CHUNK: Final = 256 * 1024

Kind = Literal["rows", "values"]


@dataclasses.dataclass(frozen=True, slots=True)
class Content:
    """What a segment holds: whole `rows`, or the `values` that rows had which let go of others.

    Of values, the last `restores` columns are those that were changed, the others tell which row it was;
    `now` is what each of those was changed to, None for NULL.
    """

    table: TableName
    columns: tuple[str, ...]
    kind: Kind = "rows"
    restores: int = 0
    now: tuple[str | None, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Sealed:
    """A segment that is on disk: `length` bytes at `offset` of `file`, of whose text `sha256` is."""

    segment: int
    content: Content
    file: str
    offset: int
    length: int
    rows: int
    sha256: str


class Archive:
    """The folder as it is written, by several threads at once: each with a file of its own."""

    def __init__(self, folder: Path, header: Mapping[str, object]) -> None:
        """Makes the folder, which must not be there yet; raises ConfigurationError where it cannot."""
        self.folder = folder
        self._lock = threading.Lock()
        self._segments = 0
        self._check = ""
        self._files: set[str] = set()
        try:
            folder.mkdir(parents=True, mode=0o700)
            self._manifest: BinaryIO = _opened(folder / MANIFEST)
            self._write({"format": FORMAT, "version": VERSION, **header})
            _sync_folder(folder)
            _sync_folder(folder.parent)
        except OSError as error:
            raise _unwritable(error) from error

    def close(self) -> None:
        """Nothing more is written."""
        _closed(self._manifest)

    def segment(self, content: Content, worker: int = 0) -> Segment:
        """Begins a segment, at the end of the file that the worker has for its table."""
        with self._lock:
            self._segments += 1
            number = self._segments
        safe = re.sub(r"[^\w.-]+", "_", str(content.table))[:80]
        return Segment(self, number, content, f"{safe}-{content.kind}-{worker}.copy.gz")

    def add(self, segments: Sequence[Sealed]) -> None:
        """Tells of segments whose data is on disk; returns when this is, and the folder's new files are, too."""
        files = {each.file for each in segments}
        try:
            if not files <= self._files:
                _sync_folder(self.folder)
        except OSError as error:
            raise _unwritable(error) from error
        self._files |= files
        self._write(*map(_document, segments))

    def committed(self, segments: list[int]) -> None:
        """Their transaction has committed; the journal in the database says so, too."""
        self._write({"committed": segments})

    def discarded(self, segments: list[int]) -> None:
        """Their transaction was rolled back."""
        self._write({"discarded": segments})

    def drop(self) -> None:
        """Removes the folder: nothing of it was committed."""
        _closed(self._manifest)
        shutil.rmtree(self.folder, ignore_errors=True)

    def finished(self, rows: int) -> None:
        """The purge is done."""
        self._write({"finished": True, "rows": rows})

    def _write(self, *documents: Mapping[str, object]) -> None:
        with self._lock:
            try:
                for document in documents:
                    line, self._check = checked_line(document, self._check)
                    self._manifest.write(line)
                self._manifest.flush()
                os.fsync(self._manifest.fileno())
            except OSError as error:
                raise _unwritable(error) from error


class Segment:
    """One segment as it is written: `write` what COPY sends, then `seal`; leaving it unsealed gives it up."""

    def __init__(self, archive: Archive, number: int, content: Content, file: str) -> None:
        self.number = number
        self._archive = archive
        self._content = content
        self._file = file
        self._hash = hashlib.sha256()
        self._packer = packer()
        self._buffer = bytearray()
        self._rows = 0
        self._stream: BinaryIO | None = None
        self._offset = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            _closed(self._stream)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written: there is nothing to seal then, and not even a file."""
        return self._stream is None and not self._buffer

    def write(self, pieces: Iterable[bytes | bytearray | memoryview]) -> None:
        """Takes COPY's text, which comes in pieces, most often a row each; a row ends with its only line feed."""
        buffer = self._buffer
        for piece in pieces:
            buffer += piece
            if len(buffer) >= _CHUNK:
                self._drain()

    def seal(self) -> Sealed:
        """Returns when all of it is on disk; the archive has to be told of it yet."""
        self._drain()
        stream = self._opened()
        try:
            stream.write(self._packer.flush())
            stream.flush()
            length = stream.tell() - self._offset
            os.fsync(stream.fileno())
        except OSError as error:
            raise _unwritable(error) from error
        return Sealed(
            self.number, self._content, self._file, self._offset, length, self._rows, self._hash.hexdigest()
        )

    def _drain(self) -> None:
        data = bytes(self._buffer)
        self._buffer.clear()
        self._hash.update(data)
        self._rows += data.count(b"\n")
        stream = self._opened()
        try:
            stream.write(self._packer.compress(data))
        except OSError as error:
            raise _unwritable(error) from error

    def _opened(self) -> BinaryIO:
        if self._stream is None:
            try:
                self._stream = _opened(self._archive.folder / self._file)
                self._offset = self._stream.seek(0, os.SEEK_END)
            except OSError as error:
                raise _unwritable(error) from error
        return self._stream


def _document(sealed: Sealed) -> Mapping[str, object]:
    content = sealed.content
    document: dict[str, object] = {
        "segment": sealed.segment,
        "kind": content.kind,
        "schema": content.table.schema,
        "table": content.table.name,
        "columns": list(content.columns),
        "file": sealed.file,
        "offset": sealed.offset,
        "length": sealed.length,
        "rows": sealed.rows,
        "sha256": sealed.sha256,
    }
    if content.kind == "values":
        document |= {"restores": content.restores, "now": list(content.now)}
    return document


def checked_line(document: Mapping[str, object], before: str) -> tuple[bytes, str]:
    """A line of a manifest, and its check: over the line and the check of the line `before` it."""
    text = json.dumps({**document}, sort_keys=True)
    check = hashlib.sha256(f"{before}{text}".encode()).hexdigest()[:16]
    return (json.dumps({**document, "check": check}, sort_keys=False) + "\n").encode(), check


def check_of(document: Mapping[str, Any], before: str) -> str:
    """The check that a line, read without its own, should have."""
    return checked_line(document, before)[1]


def _opened(path: Path) -> BinaryIO:
    """Opened for appending, for the owner's eyes only."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _closed(stream: BinaryIO) -> None:
    """What counts was flushed and synced before; a full disk was told then, and is met again here."""
    with contextlib.suppress(OSError):
        stream.close()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritable(error: OSError) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"the archive cannot be written: {error.strerror}: {error.filename or 'its file'}",
        hint="name a folder with room for it: --archive DIR",
    )
