"""A server with the data that benchmarks/purge.py purges, and what it looks like afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
from psycopg import sql

from notifydb.shadow import server as embedded
from notifydb.shadow.binaries import find_binaries

PREFIX = "notify-tests-preview"
OWNER = "notify"
HERE = Path(__file__).parent
#: As production has it, where the embedded server is for development; autovacuum would come at random.
SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "autovacuum": "off",
}
PYPROJECT = """\
[tool.notifydb]
script_location = "{script_location}"
metadata = "notifydb.models:metadata"

[tool.notifydb.purge]
max_fraction = 1.0
"""

State = dict[str, tuple[int, int]]


class Bench:
    """The server in `folder`, with a database for each number of rows, and the one that is worked on."""

    def __init__(self, folder: Path) -> None:
        embedded._SETTINGS.update(SETTINGS)  # noqa: SLF001
        self.server = embedded.Server(folder / "postgres", find_binaries(None))
        self.project = folder / "project"
        self.project.mkdir(parents=True, exist_ok=True)
        script_location = HERE.parent / "alembic"
        (self.project / "pyproject.toml").write_text(PYPROJECT.format(script_location=script_location))

    def start(self) -> None:
        self.server.start()
        with self.connect("postgres") as conn:
            if not conn.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
                conn.execute(f"CREATE ROLE {OWNER} LOGIN")

    def connect(self, database: str, role: str = embedded.SUPERUSER) -> psycopg.Connection:
        folder = str(self.server.sockets)
        return psycopg.connect(host=folder, port=embedded.PORT, user=role, dbname=database, autocommit=True)

    def environment(self, database: str) -> dict[str, str]:
        """For notifydb and for psql, as the owner of the tables, who is no superuser."""
        url = self.server.url(database).replace(f"//{embedded.SUPERUSER}@", f"//{OWNER}@")
        kept = {name: os.environ[name] for name in ("PYTHONPATH",) if name in os.environ}
        return {
            "PATH": f"{Path(sys.executable).parent}:{self.server.binaries}:{os.environ['PATH']}",
            "HOME": str(self.project),
            "NOTIFYDB_ENVIRONMENT": "development",
            "NOTIFYDB_DATABASE_URL": url,
            "PGHOST": str(self.server.sockets),
            "PGPORT": embedded.PORT,
            "PGDATABASE": database,
            "PGUSER": OWNER,
            **kept,
        }

    def fill(self, rows: int, services: int) -> str:
        """The name of the database that holds so many rows to purge; made where it is not there."""
        name = f"rows_{rows}"
        with self.connect("postgres") as conn:
            if conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return name
            conn.execute(_sql("CREATE DATABASE {} OWNER {}", "making", OWNER))
        began = time.monotonic()
        self.run("making", "notifydb", "upgrade")
        self.run(
            "making",
            *("psql", "-Xq", "-v", f"rows={rows}", "-v", f"services={services}"),
            *("-f", str(HERE / "purge_fill.sql")),
            PGUSER=embedded.SUPERUSER,
        )
        with self.connect("postgres") as conn:
            conn.execute(_sql("ALTER DATABASE {} RENAME TO {}", "making", name))
        print(f"{rows:,} rows to purge were made in {time.monotonic() - began:.0f} s", flush=True)
        return name

    def run(self, database: str, *command: str, **variables: str) -> None:
        environment = self.environment(database) | variables
        done = subprocess.run(command, cwd=self.project, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")

    def clone(self, template: str) -> str:
        """A fresh database, all of it on disk, that says it is a development one."""
        name = "work"
        with self.connect("postgres") as conn:
            conn.execute(_sql("DROP DATABASE IF EXISTS {} WITH (FORCE)", name))
            conn.execute(
                _sql("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy", name, OWNER, template)
            )
        self.run(name, "notifydb", "environment", "set", "development", "--confirm", name)
        with self.connect("postgres") as conn:
            conn.execute("CHECKPOINT")
        return name

    def state(self, database: str) -> State:
        """Rows and a hash of them, by table; and so for indexes and constraints."""
        found: State = {}
        with self.connect(database) as conn:
            tables = conn.execute(
                "SELECT oid::regclass::text FROM pg_class"
                " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            ).fetchall()
            sources = {table: f"(SELECT t::text AS x FROM {table} t)" for (table,) in tables}
            sources["(indexes)"] = (
                "(SELECT pg_get_indexdef(indexrelid) || indisvalid AS x FROM pg_index i"
                " JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace)"
            )
            sources["(constraints)"] = (
                "(SELECT conrelid::regclass || conname || pg_get_constraintdef(oid) || convalidated AS x"
                " FROM pg_constraint WHERE connamespace = 'public'::regnamespace)"
            )
            for name, source in sources.items():
                query = f"SELECT count(*), coalesce(sum(hashtextextended(x, 0)::numeric), 0) FROM {source} s"
                found[name] = conn.execute(query).fetchone()  # type: ignore[assignment]
        return found

    def cpu(self) -> float:
        """Seconds that the server's sessions have worked, of those that are over."""
        pid = (self.server.data / "postmaster.pid").read_text().split()[0]
        *_, children_user, children_system = Path(f"/proc/{pid}/stat").read_text().split()[:17]
        return (int(children_user) + int(children_system)) / os.sysconf("SC_CLK_TCK")


def services_for(rows: int) -> int:
    """So many test users with a service each."""
    return max(20, min(200, rows // 500))


def _sql(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))
