"""Which segments of an archive were deleted for good: those whose transaction has committed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from notifydb import errors
from notifydb.purge import journal
from notifydb.purge.archive import Sealed
from notifydb.purge.archive_read import Manifest


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A committed segment, and the folder that it is in."""

    folder: Path
    segment: Sealed


def parts_of(conn: sa.Connection, manifests: Sequence[Manifest]) -> list[Part]:
    """The committed segments of all archives, as they were written.

    The journal decides, where the database has one of that purge. Raises UsageError where one is named twice;
    ProofFailed where an archive lacks what the journal has; Refused where it was restored already, where the
    rest of it is in an archive that was not named, or where nobody can tell.
    """
    named = {manifest.purge for manifest in manifests}
    if len(named) < len(manifests):
        raise errors.UsageError("an archive is named twice", hint="name each folder once")
    parts: list[Part] = []
    for manifest in manifests:
        state = journal.state_of(conn, manifest.purge)
        _require_whole(conn, manifest, state, named)
        parts += [Part(manifest.folder, segment) for segment in _committed(conn, manifest, state)]
    return parts


def _require_whole(conn: sa.Connection, manifest: Manifest, state: str | None, named: set[str]) -> None:
    if state == "restored":
        raise errors.Refused(
            "the restore is refused", reasons=(f"purge {manifest.purge} was restored already",)
        )
    if state is None:
        here = str(conn.scalar(sa.text("SELECT current_database()")))
        if here != manifest.database:
            raise errors.Refused(
                "the restore is refused: the archive is of another database",
                reasons=(
                    f"it is of {manifest.database!r}, and {here!r} does not know purge {manifest.purge}",
                ),
            )
        return
    others = (*journal.continued_by(conn, manifest.purge), *journal.continuing(conn, manifest.purge))
    # One that kept no archive was told to delete for good; there is nothing to name.
    missing = [other for other in others if other.id not in named and other.archive is not None]
    if missing:
        raise errors.Refused(
            "the restore is refused: the purge was cut short and went on, and only a part of it is named",
            reasons=tuple(f"purge {other.id}, whose archive is {other.archive}" for other in missing),
            hint="name all of the folders: notifydb restore FOLDER FOLDER",
        )


def _committed(conn: sa.Connection, manifest: Manifest, state: str | None) -> Iterator[Sealed]:
    if state is None:
        yield from _by_its_own_word(manifest)
        return
    known = journal.segments_of(conn, manifest.purge)
    found = {segment.segment: segment for segment in manifest.segments}
    lost = [
        number for number, sha256 in known.items() if number not in found or found[number].sha256 != sha256
    ]
    if lost:
        raise errors.ProofFailed(
            f"the archive is damaged: {manifest.folder.name} lacks {len(lost)} of {len(known)} segments"
            " that the database's journal has"
        )
    yield from (segment for segment in manifest.segments if segment.segment in known)


def _by_its_own_word(manifest: Manifest) -> Iterator[Sealed]:
    """Of a database that does not know the purge."""
    for segment in manifest.segments:
        if segment.segment not in manifest.settled:
            raise errors.Refused(
                "the restore is refused: nobody can tell whether all of the archive was deleted",
                reasons=(
                    f"segment {segment.segment}, of {segment.content.table}, was written as the purge was cut short",
                    f"this database has no journal of purge {manifest.purge}",
                ),
                hint="restore into the database that was purged",
            )
        if manifest.settled[segment.segment]:
            yield segment
