"""Reads all that the checks look at: the database, its history, and replays of the folder's migrations."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb import errors
from notifydb.guard import Target
from notifydb.postgres import failures, health, ledger
from notifydb.postgres.catalog import Catalog, Drift, compare, read_catalog
from notifydb.postgres.connect import make_engine, own_engine
from notifydb.postgres.health import Health
from notifydb.reporters.words import relative
from notifydb.revisions.graph import History, Revision
from notifydb.revisions.reader import parse_revision
from notifydb.revisions.sources import is_same_upgrade
from notifydb.runner.doctor.purges import Begun, read_begun
from notifydb.runner.journal import Part, parts_of
from notifydb.runner.plan import Status, status
from notifydb.runner.rescue import Standing
from notifydb.runner.upgrade import Runner
from notifydb.settings.environment import Environment
from notifydb.shadow.database import Shadows
from notifydb.verify.steps import Step, steps_between

#: The commit in which a file held what has this digest, and its bytes; None where nobody knows.
Committed = Callable[[Path, str], tuple[str, bytes] | None]
_ROWS = 100_000


@dataclasses.dataclass(frozen=True, slots=True)
class Replayed:
    """The database beside a replay at its revision: `drift` is what differs, `unvalidated` what that leaves so.

    `past` are the steps that lead there, `pending` those from there to the head; each is empty where nothing
    that they could explain was found. `major` is the shadow server's version.
    """

    revision: str | None
    expected: Catalog
    unvalidated: frozenset[tuple[str, str]]
    drift: tuple[Drift, ...]
    past: tuple[Step, ...]
    pending: tuple[Step, ...]
    major: int


@dataclasses.dataclass(frozen=True, slots=True)
class Edit:
    """An applied migration whose file, at `place` in the project, holds another text now than `entry` recorded.

    `commit` is where the applied text is found; `is_same` tells whether upgrade() is the same, None where nobody
    has that text.
    """

    revision: Revision
    place: str
    entry: ledger.Entry
    commit: str | None
    is_same: bool | None


@dataclasses.dataclass(frozen=True, slots=True)
class Examined:
    """One database at one moment; of what could not be read there is the reason.

    `parts` are what is committed of migrations that were cut short, by operation and revision. `steps` are all
    of the history's, where the database's place in it is not known.
    """

    history: History
    standing: Standing
    target: Target
    environment: Environment
    health: Health
    entries: tuple[ledger.Entry, ...] | str
    parts: Mapping[tuple[str, str], Part]
    purges: tuple[Begun, ...] | str
    edits: tuple[Edit, ...]
    replayed: Replayed | str
    steps: tuple[Step, ...] | None

    @property
    def status(self) -> Status:
        return status(self.history, self.standing.current)

    @property
    def has_tables(self) -> bool:
        return any(kind == "table" for kind, _ in self.health.catalog)


@dataclasses.dataclass(frozen=True, slots=True)
class Examiner:
    """Examines the runner's database without writing to it.

    `shadows` is asked for once, and raises ShadowUnavailable; None looks at nothing that takes a replay.
    A session counts that is idle in its transaction for `idle` seconds, or in one for `long`.
    """

    runner: Runner
    environment: Environment
    shadows: Callable[[], Shadows] | None
    committed: Committed = lambda _path, _digest: None
    idle: float = 60
    long: float = 300

    def examine(self) -> Examined:
        """Raises DatabaseUnreachable, ConfigurationError."""
        standing = self.runner.standing()
        with failures.translated():
            found = health.read_health(self.runner.url, idle=self.idle, long=self.long)
            entries, parts = self._recorded()
        examined = Examined(
            self.runner.history, standing, self.runner.destruction.target, self.environment, found, entries, parts,
            read_begun(self.runner.url), self._edits(standing, () if isinstance(entries, str) else entries), "", None,
        )  # fmt: skip
        if self.shadows is None:
            return dataclasses.replace(examined, replayed="--no-shadow was given")
        if found.unread is not None:
            return dataclasses.replace(examined, replayed=found.unread)
        try:
            return self._compared(examined, self.shadows())
        except (errors.ShadowUnavailable, errors.MigrationFailed, errors.HistoryError) as error:
            return dataclasses.replace(examined, replayed=error.message)

    def _recorded(self) -> tuple[tuple[ledger.Entry, ...] | str, Mapping[tuple[str, str], Part]]:
        try:
            with own_engine(self.runner.url).connect() as conn:
                return tuple(ledger.read_history(conn, limit=_ROWS)), parts_of(ledger.read_parts(conn))
        except sqlalchemy.exc.ProgrammingError as error:
            if failures.sqlstate(error) != failures.INSUFFICIENT_PRIVILEGE:
                raise
            return failures.first_line(error), {}

    def _edits(self, standing: Standing, entries: tuple[ledger.Entry, ...]) -> tuple[Edit, ...]:
        newest: dict[str, ledger.Entry] = {}
        for each in entries:
            if each.outcome == "done" and each.revision and each.source_sha256:
                newest.setdefault(each.revision, each)
        known = [each for each in standing.current if each in self.runner.history.revisions]
        applied = {each.id: each for revision in known for each in self.runner.history.chain(revision)}
        return tuple(
            self._edit(each, newest[each.id], standing)
            for each in applied.values()
            if each.id in newest and _digest(each.path) != newest[each.id].source_sha256
        )

    def _edit(self, revision: Revision, entry: ledger.Entry, standing: Standing) -> Edit:
        found = self.committed(revision.path, entry.source_sha256 or "")
        commit, source = found if found is not None else (None, None)
        if source is None and (kept := standing.applied.get(revision.id)) is not None:
            source = kept.source
        place = relative(revision.path, self.runner.project.root)
        return Edit(revision, place, entry, commit, None if source is None else _is_same(revision, source))

    def _compared(self, found: Examined, shadows: Shadows) -> Examined:
        if (reason := _unplaced(found)) is not None:
            steps = _whole(found, shadows) if found.has_tables else None
            return dataclasses.replace(found, replayed=reason, steps=steps)
        revision = next(iter(found.standing.current), None)
        with shadows.at(revision) as url, make_engine(url).connect() as conn:
            expected = read_catalog(conn)
            unvalidated = frozenset(each.key for each in health.unvalidated(conn))
            major = conn.scalar(sa.text("SELECT current_setting('server_version_num')::int / 10000"))
        drift = compare(expected, found.health.catalog)
        is_missing = any(each.expected is not None for each in drift)
        past = steps_between(shadows, None, revision) if revision and is_missing else ()
        has_pending = bool(found.status.pending and drift)
        pending = steps_between(shadows, revision, _head(found.history)) if has_pending else ()
        replayed = Replayed(revision, expected, unvalidated, drift, past, pending, int(major or 0))
        return dataclasses.replace(found, replayed=replayed)


def _whole(found: Examined, shadows: Shadows) -> tuple[Step, ...] | None:
    return steps_between(shadows, None, _head(found.history)) if found.history.heads else None


def _head(history: History) -> str:
    head = history.head
    assert head is not None
    return head


def _unplaced(found: Examined) -> str | None:
    """Why the database has no one place in the history; None if it has."""
    if found.status.is_torn:
        return "alembic_version holds several rows"
    if found.status.unknown:
        return "no file here has the database's revision"
    if len(found.standing.current) > 1:
        return (
            f"the database is at {' and '.join(sorted(found.standing.current))}, which have yet to be merged"
        )
    if not found.standing.current and found.has_tables:
        return "alembic_version is empty"
    return None


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_same(revision: Revision, source: bytes) -> bool | None:
    """None for a text that is no migration."""
    try:
        kept = parse_revision(source, revision.path)
        return None if kept is None else is_same_upgrade(kept, source, revision)
    except errors.HistoryError:
        return None
