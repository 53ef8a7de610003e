"""Upgrades an empty-but-for-one-table database through 349 migrations, with notifydb and with plain Alembic, in turn.

Run it with `make bench`. Figures are whole processes, start-up included. notifydb runs as in production: guard,
journal and history on, a transaction for each migration. Alembic runs with the `env.py` of its own template, twice:
as it comes, in one transaction, and with `transaction_per_migration`. Then the start-up gates, at the head.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from notifydb.postgres.connect import autocommit_engine
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.server import Server

COUNT = 349
RUNS = 7
ENV = """\
import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration="PER_MIGRATION" in os.environ)
    with context.begin_transaction():
        context.run_migrations()
"""
MIGRATION = '''"""{id}

Revision ID: {id}
Revises: {down}
"""

from alembic import op
import sqlalchemy as sa

revision = "{id}"
down_revision = {down!r}


def upgrade():
{body}


def downgrade():
    pass
'''


def body(number: int) -> str:
    """What a service's migrations do: GSA/notifications-api's 349 send 1,317 statements, these 1,223."""
    table = f"t{number - number % 10}"
    history = f"{table}_history"
    match number % 10:
        case 0:
            lines = [_table(table), *(_index(table, column) for column in ("name", "kind", "version"))]
        case 1:
            lines = [_table(history), *(_index(history, column) for column in ("name", "kind"))]
        case 2 | 3 | 4:
            lines = [_column(name, f"c{number}_{part}") for name in (table, history) for part in (1, 2)]
        case 5:
            rows = "gen_random_uuid(), 'n' || n, now() FROM generate_series(1, 20) n"
            lines = [
                _sql(f"INSERT INTO {name} (id, name, created_at) SELECT {rows}") for name in (table, history)
            ]
            lines += [
                _sql(f"UPDATE {table} SET version = 1"),
                _sql(f"DELETE FROM {history} WHERE version > 1"),
            ]
        case 6:
            lines = [
                _sql(f"UPDATE {name} SET kind = 'email' WHERE kind IS NULL") for name in (table, history)
            ]
            lines += [f'op.alter_column("{name}", "kind", nullable=False)' for name in (table, history)]
        case 7:
            lines = [
                f'op.create_check_constraint("ck_{history}", "{history}", "version < 1000")',
                _index(table, "created_at"),
                _index(history, "created_at"),
            ]
        case 8:
            lines = [f'op.alter_column("{name}", "name", type_=sa.String(500))' for name in (table, history)]
            lines += [_column(table, f"c{number}")]
        case _:
            lines = [_sql(f"COMMENT ON TABLE {name} IS 'of the benchmark'") for name in (table, history)]
    return "\n".join(f"    {line}" for line in lines)


def _table(name: str) -> str:
    return (
        f'op.create_table("{name}", sa.Column("id", sa.Uuid(), primary_key=True),'
        ' sa.Column("name", sa.String(255), nullable=False), sa.Column("kind", sa.String()),'
        ' sa.Column("created_at", sa.DateTime(), nullable=False), sa.Column("version", sa.Integer()))'
    )


def _index(table: str, column: str) -> str:
    return f'op.create_index("ix_{table}_{column}", "{table}", ["{column}"])'


def _column(table: str, column: str) -> str:
    return f'op.add_column("{table}", sa.Column("{column}", sa.Text(), nullable=True))'


def _sql(text: str) -> str:
    return f'op.execute("{text}")'


def write_history(folder: Path) -> None:
    """The migrations, and the configuration that both tools read."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n")
    (folder / "alembic" / "env.py").write_text(ENV)
    down = None
    for number in range(COUNT):
        revision = f"{number + 1:04}_step"
        (versions / f"{revision}.py").write_text(MIGRATION.format(id=revision, down=down, body=body(number)))
        down = revision


def seconds(command: list[str], folder: Path, variables: Mapping[str, str]) -> float:
    """How long a whole process takes."""
    program = [str(Path(sys.executable).parent / command[0]), *command[1:]]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "NOTIFYDB_ENVIRONMENT": "production",
        **variables,
    }
    began = time.perf_counter()
    subprocess.run(program, cwd=folder, check=True, capture_output=True, env=environment)
    return time.perf_counter() - began


def upgrades(folder: Path, fresh: Callable[[], str]) -> dict[str, list[float]]:
    """Seconds of each, in turn: what is noisy is so for all."""
    ways = {
        "notifydb upgrade": (["notifydb", "upgrade"], {}),
        "alembic, one transaction": (["alembic", "upgrade", "head"], {}),
        "alembic, one each": (["alembic", "upgrade", "head"], {"PER_MIGRATION": "1"}),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS + 1):
        for name, (command, variables) in ways.items():
            found[name].append(seconds(command, folder, {"DATABASE_URL": fresh(), **variables}))
    return {name: runs[1:] for name, runs in found.items()}


def gates(folder: Path, url: str) -> dict[str, list[float]]:
    """Seconds of each start-up gate on a database that is at the head."""
    ways = {
        "notifydb status --at-head": ["notifydb", "status", "--at-head"],
        "alembic current --check-heads": ["alembic", "current", "--check-heads"],
    }
    seconds(["notifydb", "upgrade"], folder, {"DATABASE_URL": url})
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(RUNS + 1):
        for name, command in ways.items():
            found[name].append(seconds(command, folder, {"DATABASE_URL": url}))
    return {name: runs[1:] for name, runs in found.items()}


def tell(found: Mapping[str, list[float]]) -> None:
    """A line each, with the ratio to the first, run by run."""
    (_, first), *_ = found.items()
    for name, runs in found.items():
        ratio = statistics.median(mine / other for mine, other in zip(first, runs, strict=True))
        print(f"{name:30} {statistics.median(runs):6.3f} s   notifydb takes {ratio:4.2f} times as long")


class Databases:
    """A server of its own, with a fresh database for each run."""

    def __init__(self, folder: Path) -> None:
        self.server = Server(folder, find_binaries(None))
        self.server.start()
        self._admin = autocommit_engine(self.server.url("postgres"))

    def fresh(self) -> str:
        """The URL of a database that is not empty: what has nothing to lose is not guarded."""
        name = f"b_{secrets.token_hex(4)}"
        with self._admin.connect() as conn:
            conn.exec_driver_sql(f"CREATE DATABASE {name}")
        with autocommit_engine(self.server.url(name)).connect() as conn:
            conn.exec_driver_sql("CREATE TABLE there_before (id int)")
        return self.server.url(name)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        write_history(folder)
        databases = Databases(Path(name) / "postgres")
        try:
            tell(upgrades(folder, databases.fresh))
            tell(gates(folder, databases.fresh()))
        finally:
            databases.server.stop()


if __name__ == "__main__":
    main()
