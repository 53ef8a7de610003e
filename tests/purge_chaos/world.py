"""The database that is purged over and over, and what is in it."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg

from notifydb.postgres import own
from notifydb.postgres.connect import autocommit_engine, make_engine, plain_url
from notifydb.settings.environment import Environment
from notifydb.shadow import cluster
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.server import Server

#: Small batches give many moments between them.
_SETTINGS: Final = """
[purge]
batch_above = {above}
batch_rows = 500
max_fraction = 1.0
protect_seeded = false
protected = []
protected_when = []
owned_through = ["user_to_service(user_id -> service_id) -> services(id)"]
owned_when_empty = []
policies = ["templates.created_by_id=null", "jobs.created_by_id=follow"]
implicit = [
    "services_history.id -> services.id",
    "notification_history.service_id -> services.id",
    "complaints.notification_id -> notifications.id",
]
waived = ["notification_history.template_id -> templates.id"]
"""
_TEMPLATE: Final = "beginning"
_TABLES: Final = (
    "users", "services", "services_history", "user_to_service", "template_folder", "templates", "jobs",
    "notifications", "notification_history", "complaints",
)  # fmt: skip
#: References that no foreign key holds.
_ORPHANS: Final = """
    SELECT 'complaints', count(*) FROM complaints c
    WHERE NOT EXISTS (SELECT FROM notifications n WHERE n.id = c.notification_id) HAVING count(*) > 0
    UNION ALL
    SELECT 'services_history', count(*) FROM services_history h
    WHERE NOT EXISTS (SELECT FROM services s WHERE s.id = h.id) HAVING count(*) > 0
    UNION ALL
    SELECT 'notification_history', count(*) FROM notification_history h
    WHERE NOT EXISTS (SELECT FROM services s WHERE s.id = h.service_id) HAVING count(*) > 0
"""
_LEFT_BEHIND: Final = """
    SELECT relname::text FROM pg_class WHERE relname ~ '^_(purge|restore)' AND relpersistence <> 't'
"""
#: Those of the purge, but for what the server does by itself.
_SESSIONS: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = %s AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""

#: What has been deleted for good, by the purge's id and the number of the segment.
_JOURNAL: Final = """
    SELECT s.purge, s.segment FROM notifydb.purge_segment s JOIN notifydb.purge p ON p.id = s.purge
    WHERE p.state <> 'restored'
"""

#: Rows as COPY writes them, by table.
Rows = dict[str, Counter[bytes]]


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """All rows, and what the journal says is in archives."""

    rows: Rows
    journal: frozenset[tuple[str, int]]

    @property
    def users(self) -> int:
        return self.rows["users"].total()


@dataclasses.dataclass(frozen=True, slots=True)
class World:
    """A server in `folder`, with a database that all others are copies of."""

    folder: Path

    @property
    def server(self) -> Server:
        return Server(self.folder / "server", find_binaries())

    def begin(self) -> None:
        self.server.start()
        self._admin(f'CREATE DATABASE "{_TEMPLATE}" TEMPLATE template0')
        script = Path(__file__).with_name("schema.sql").read_text()
        with psycopg.connect(plain_url(self.server.url(_TEMPLATE)), autocommit=True) as conn:
            conn.execute(script.encode())

    def place(self, name: str, *, above: int = 1000, durable: bool = True) -> Place:
        """A copy of the database, which says that it is one of tests; `durable` commits survive a crash."""
        self._admin(f'CREATE DATABASE "{name}" TEMPLATE "{_TEMPLATE}"')
        if durable:
            self._admin(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
        place = Place(self, name)
        place.folder.mkdir(parents=True)
        (place.folder / "notifydb.toml").write_text(_SETTINGS.format(above=above))
        with make_engine(place.url).begin() as conn:
            own.install(conn)
            own.write_mark(conn, Environment.TEST)
        return place

    def crash(self) -> None:
        """As after a crash."""
        server = self.server
        cluster.run(server.binaries / "pg_ctl", "stop", "-D", "data", "-m", "immediate", data=server.data)

    def drop(self, place: Place) -> None:
        self._admin(f'DROP DATABASE "{place.name}" WITH (FORCE)')
        shutil.rmtree(place.folder)

    def end(self, *, kept: bool) -> None:
        self.server.stop()
        if not kept:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _admin(self, statement: str) -> None:
        with autocommit_engine(self.server.url("postgres")).connect() as conn:
            conn.exec_driver_sql(statement)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """One copy of the database, and the folder that commands for it run in."""

    world: World
    name: str

    @property
    def folder(self) -> Path:
        return self.world.folder / "places" / self.name

    @property
    def archives(self) -> list[Path]:
        """The folders of all purges so far, the oldest first."""
        found = (self.folder / "archives").glob("*")
        return sorted(found, key=lambda path: path.stat().st_mtime)

    @property
    def url(self) -> str:
        return self.world.server.url(self.name)

    def state(self) -> State:
        """As it is at one moment."""
        with psycopg.connect(plain_url(self.url)) as conn:
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            rows = {table: _lines(conn, table) for table in _TABLES}
            return State(rows, frozenset(conn.execute(_JOURNAL.encode()).fetchall()))

    def is_quiet(self) -> bool:
        """Whether no session is left of a process that is dead."""
        with psycopg.connect(plain_url(self.world.server.url("postgres"))) as conn:
            row = conn.execute(_SESSIONS, (self.name,)).fetchone()
            return row == (0,)

    def problems(self) -> Iterator[str]:
        """What must not be there at any time; foreign keys are the server's."""
        with psycopg.connect(plain_url(self.url)) as conn:
            for table, count in conn.execute(_ORPHANS.encode()).fetchall():
                yield f"{count} rows of {table} refer to nothing"

    def left_behind(self) -> list[str]:
        """Helpers that are still in the database."""
        with psycopg.connect(plain_url(self.url)) as conn:
            return [name for (name,) in conn.execute(_LEFT_BEHIND.encode()).fetchall()]


def _lines(conn: psycopg.Connection[tuple[object, ...]], table: str) -> Counter[bytes]:
    with conn.cursor().copy(f"COPY (SELECT * FROM {table}) TO STDOUT".encode()) as copy:
        return Counter(b"".join(copy).split(b"\n")[:-1])
