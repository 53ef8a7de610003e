"""An archive as it is read back: nothing of it is believed before its checksum."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from notifydb import errors
from notifydb.postgres.relations import TableName
from notifydb.purge.archive import FORMAT, MANIFEST, VERSION, Content, Sealed, check_of

_READ: Final = 256 * 1024
_GZIP: Final = 31


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself; `settled` tells of segments whether their transaction committed."""

    folder: Path
    header: Mapping[str, Any]
    segments: tuple[Sealed, ...]
    settled: Mapping[int, bool]
    finished: bool

    @property
    def purge(self) -> str:
        """The purge's id, as the journal has it."""
        return str(self.header["purge"])

    @property
    def database(self) -> str:
        return str(self.header["database"])


def read_manifest(folder: Path) -> Manifest:
    """Raises UsageError where there is no archive of a version that is known, ProofFailed for a damaged one.

    A last line without its end was being written when the purge was killed: nothing rests on it.
    """
    documents = list(_documents(folder))
    header = documents[0] if documents else {}
    if header.get("format") != FORMAT:
        raise errors.UsageError(f"{folder} is no archive of a purge: {MANIFEST} does not begin like one")
    if header.get("version") != VERSION:
        raise errors.UsageError(
            f"the archive {folder} is of version {header.get('version')}, and {VERSION} is known here",
            hint="use the notifydb that wrote it, or a newer one",
        )
    settled = {number: True for each in documents for number in each.get("committed", ())}
    settled |= {number: False for each in documents for number in each.get("discarded", ())}
    try:
        segments = tuple(_segment(each) for each in documents if "segment" in each)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(folder / MANIFEST, "a line of it cannot be understood") from error
    return Manifest(folder, header, segments, settled, any("finished" in each for each in documents))


def text_of(folder: Path, segment: Sealed) -> Iterator[bytes]:
    """The segment's rows as COPY takes them, piece by piece; raises ProofFailed at the end, or before, where
    they are not what was written."""
    path, unpacked = folder / segment.file, zlib.decompressobj(_GZIP)
    hashed, rows, left = hashlib.sha256(), 0, segment.length
    try:
        with path.open("rb") as stream:
            stream.seek(segment.offset)
            while left:
                packed = stream.read(min(_READ, left))
                if not packed:
                    raise _damaged(path, f"it ends within segment {segment.segment}")
                left -= len(packed)
                piece = unpacked.decompress(packed)
                hashed.update(piece)
                rows += piece.count(b"\n")
                yield piece
    except OSError as error:
        raise _damaged(path, error.strerror or "it cannot be read") from error
    except zlib.error as error:
        raise _damaged(path, f"segment {segment.segment} cannot be unpacked") from error
    whole = unpacked.eof and not unpacked.unused_data
    if not whole or (rows, hashed.hexdigest()) != (segment.rows, segment.sha256):
        raise _damaged(path, f"segment {segment.segment} is not what was written")


def _documents(folder: Path) -> Iterator[dict[str, Any]]:
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
    except OSError as error:
        raise errors.UsageError(
            f"{folder} is no archive of a purge: {error.strerror}: {MANIFEST}",
            hint="name the folder that the purge has told",
        ) from error
    check = ""
    for number, line in enumerate(text.split(b"\n")[:-1], start=1):
        try:
            document = json.loads(line)
            said = document.pop("check")
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise _damaged(path, f"line {number} cannot be read") from error
        check = check_of(document, check)
        if said != check:
            raise _damaged(path, f"line {number} is not what was written")
        yield document


def _segment(document: Mapping[str, Any]) -> Sealed:
    content = Content(
        TableName(document["schema"], document["table"]),
        tuple(document["columns"]),
        document["kind"],
        document.get("restores", 0),
        tuple(document.get("now", ())),
    )
    return Sealed(
        document["segment"],
        content,
        document["file"],
        document["offset"],
        document["length"],
        document["rows"],
        document["sha256"],
    )


def _damaged(path: Path, why: str) -> errors.ProofFailed:
    return errors.ProofFailed(f"the archive is damaged: {path.parent.name}/{path.name}: {why}")
