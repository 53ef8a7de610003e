"""Shadow databases: a template per prefix of the history, cloned for every use.

A template's name holds a digest of all that made it, so an edited migration never meets an old template.
What is used when is kept in the databases' comments, which every connection can read.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa

from notifydb import errors
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.postgres import failures
from notifydb.postgres.connect import autocommit_engine, make_engine
from notifydb.revisions.graph import History, Revision
from notifydb.shadow.names import CLONE, TEMPLATE

#: A clone without a connection for so long belongs to a command that was killed.
_ABANDONED_SECONDS = 3600
_POLL_SECONDS = 0.1
_TRY_BUILD = sa.text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_LIST = sa.text(
    """
    SELECT d.datname AS name, shobj_description(d.oid, 'pg_database') AS comment,
           EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid) AS in_use
    FROM pg_database d WHERE d.datname ^@ :prefix
    """
)

Progress = Callable[[str], None]


class Shadows:
    """Throw-away databases in the state of any revision, on a server where databases may be created."""

    def __init__(
        self,
        url: str,
        project: Project,
        history: History,
        *,
        keep: int = 12,
        progress: Progress | None = None,
    ) -> None:
        """`url` is any database of the server; `keep` is how many templates stay, the last used ones."""
        self.url = url
        self.project = project
        self.history = history
        self.keep = keep
        self._progress: Progress = progress or (lambda _: None)
        self._admin = autocommit_engine(url, application_name="notifydb shadow")
        self._digests: dict[tuple[Path, int, int, int], bytes] = {}

    @contextmanager
    def at(self, revision: str | None) -> Iterator[str]:
        """The URL of a fresh clone whose state is that of `revision` (None: empty), dropped after the block.

        Raises ShadowUnavailable when the server cannot be used, MigrationFailed when the replay fails.
        """
        chain = [] if revision is None else self.history.chain(revision)
        template = self._template(chain)
        clone = _clone_name()
        with _unavailable(), self._admin.connect() as admin:
            _create(admin, clone, template)
        try:
            yield self._url_of(clone)
        finally:
            with suppress(sa.exc.DBAPIError), self._admin.connect() as admin:
                _drop(admin, clone)

    def keep_as(self, revision: str, url: str) -> None:
        """Makes the clone at `url` the template of `revision`, if there is none and nobody is connected.

        Inside of the block of `at(parent)`, once `revision` and nothing else has been run on the clone: who
        goes through a history need not replay it a second time.
        """
        chain = self.history.chain(revision)
        parents = self.history.revisions[revision].down_revisions
        if [each.id for each in chain[:-1]] != [each.id for up in parents for each in self.history.chain(up)]:
            return
        with _unavailable(), self._admin.connect() as admin:
            name = self._names(chain, admin)[-1]
            # Whoever holds the lock is making the same template.
            if admin.scalar(_TRY_BUILD, {"name": name}) and not _exists(admin, name):
                with suppress(sa.exc.DBAPIError):
                    clone = sa.make_url(url).database
                    admin.exec_driver_sql(f'ALTER DATABASE "{clone}" RENAME TO "{name}"')
                    self._reap(admin, name)

    def _template(self, chain: Sequence[Revision]) -> str | None:
        """The name of the template for the chain, built from the longest prefix that is there."""
        if not chain:
            return None
        with _unavailable(), self._admin.connect() as admin:
            names = self._names(chain, admin)
            if _keep(admin, names[-1]):
                return names[-1]
            # A second command with the same need waits here, and finds the template made. It polls: a
            # session queued for the lock holds a snapshot, which CREATE INDEX CONCURRENTLY waits for.
            while not admin.scalar(_TRY_BUILD, {"name": names[-1]}):
                time.sleep(_POLL_SECONDS)
            if not _exists(admin, names[-1]):
                there = {row.name for row in admin.execute(_LIST, {"prefix": TEMPLATE})}
                base = next((name for name in reversed(names) if name in there and _keep(admin, name)), None)
                self._build(admin, names[-1], base, chain)
                self._reap(admin, names[-1])
        return names[-1]

    def _build(self, admin: sa.Connection, name: str, base: str | None, chain: Sequence[Revision]) -> None:
        """Replays into a clone, then renames it: under the template's name there is never half a replay."""
        raw = _clone_name()
        _create(admin, raw, base)
        try:
            engine = make_engine(self._url_of(raw), application_name="notifydb replay")
            listen = self._tell(chain)
            execute.upgrade(engine, self.project, chain[-1].id, history=self.history, listen=listen)
            admin.exec_driver_sql(f'ALTER DATABASE "{raw}" RENAME TO "{name}"')
            _touch(admin, name)
        except BaseException:
            _drop(admin, raw)
            raise

    def _tell(self, chain: Sequence[Revision]) -> execute.Listener:
        position = {revision.id: number for number, revision in enumerate(chain, start=1)}

        def listen(event: execute.Event) -> None:
            if isinstance(event, execute.Started):
                self._progress(f"replaying {position.get(event.revision, 0)}/{len(chain)} {event.revision}")

        return listen

    def _reap(self, admin: sa.Connection, newest: str) -> None:
        """Drops the templates used longest ago, and clones that nobody dropped."""
        templates = [row for row in admin.execute(_LIST, {"prefix": TEMPLATE}) if row.name != newest]
        templates.sort(key=lambda row: _used_at(row.comment), reverse=True)
        for row in templates[max(self.keep - 1, 0) :]:
            _drop(admin, row.name)
        for row in admin.execute(_LIST, {"prefix": CLONE}).all():
            if not row.in_use and time.time() - _made_at(row.name) > _ABANDONED_SECONDS:
                _drop(admin, row.name)

    def _names(self, chain: Sequence[Revision], admin: sa.Connection) -> list[str]:
        """A name for each prefix of the chain: what a migration does may hang on all before it."""
        version = admin.scalar(sa.text("SHOW server_version_num"))
        digest = hashlib.sha256(f"2\0{version}\0{self.project.bootstrap}\0".encode())
        if self.project.ini is not None:
            # A migration may ask for what is in it.
            digest.update(self._digest(self.project.ini))
        migrations = {revision.path for revision in self.history.ordered()}
        for path in sorted(self.project.versions.rglob("*")):
            # A migration may read, or import, a file that lies beside it.
            if path not in migrations and path.suffix != ".pyc" and path.is_file():
                digest.update(path.name.encode() + b"\0" + self._digest(path))
        names = []
        for revision in chain:
            digest.update(revision.id.encode() + b"\0" + self._digest(revision.path))
            names.append(TEMPLATE + digest.hexdigest()[:24])
        return names

    def _digest(self, path: Path) -> bytes:
        """Of the file's text; read once, until it is written again."""
        now = path.stat()
        key = (path, now.st_ino, now.st_size, now.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = hashlib.sha256(path.read_bytes()).digest()
        return self._digests[key]

    def _url_of(self, database: str) -> str:
        return sa.make_url(self.url).set(database=database).render_as_string(hide_password=False)


def _clone_name() -> str:
    # The name says when it was made: a comment would come a moment after the database, and another command
    # could take it in between for one that nobody wants.
    return f"{CLONE}{int(time.time())}_{secrets.token_hex(4)}"


def _made_at(clone: str) -> int:
    made, _, _ = clone.removeprefix(CLONE).partition("_")
    return int(made) if made.isdecimal() else 0


def _create(admin: sa.Connection, name: str, template: str | None) -> None:
    admin.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
    _touch(admin, name)


def _drop(admin: sa.Connection, name: str) -> None:
    admin.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _exists(admin: sa.Connection, name: str) -> bool:
    return bool(
        admin.scalar(sa.text("SELECT EXISTS (SELECT FROM pg_database WHERE datname = :name)"), {"name": name})
    )


def _touch(admin: sa.Connection, name: str) -> None:
    comment = json.dumps({"notifydb": 1, "used": time.time()})
    admin.exec_driver_sql(f"COMMENT ON DATABASE \"{name}\" IS '{comment}'")


def _keep(admin: sa.Connection, name: str) -> bool:
    """Makes the template the last used one, so that no other command drops it now; False if it is not there."""
    try:
        _touch(admin, name)
    except sa.exc.ProgrammingError as error:
        if failures.sqlstate(error) != failures.INVALID_CATALOG_NAME:
            raise
    # For Postgres a comment on no database is a warning.
    return _exists(admin, name)


def _used_at(comment: str | None) -> float:
    """0 for a comment that is not ours: such a database is the first to go."""
    try:
        return float(json.loads(comment or "{}").get("used", 0))
    except (ValueError, AttributeError, TypeError):
        return 0.0


@contextmanager
def _unavailable() -> Iterator[None]:
    """A server that cannot make shadows is ShadowUnavailable; what a replay itself raises passes."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise errors.ShadowUnavailable(
            f"the server cannot be used for shadow databases: {failures.first_line(error)}",
            hint="NOTIFYDB_SHADOW_URL names a server where this role may create databases",
        ) from error
