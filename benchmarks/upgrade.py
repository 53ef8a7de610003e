"""Upgrades an empty-but-for-one-table database through 349 migrations, with notifydb and with plain Alembic, in turn.

Run it with `make bench`. Figures are whole processes, start-up included. notifydb runs as in production: guard,
journal and history on, a transaction for each migration. Alembic runs with what its own template makes, twice: as it
comes, in one transaction, and with `transaction_per_migration`. Then the start-up gates, at the head.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from notifydb.postgres.connect import autocommit_engine
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.server import Server

COUNT = 349
RUNS = 7
#: Does what that of Alembic's template does.
ENV = """\
import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import create_engine, pool

fileConfig(context.config.config_file_name)
engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration="PER_MIGRATION" in os.environ)
    with context.begin_transaction():
        context.run_migrations()
"""
#: With the logging of Alembic's template: a line for each migration.
INI = """\
[alembic]
script_location = %(here)s/alembic
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARNING
handlers = console
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(levelname)-5.5s [%(name)s] %(message)s
"""
MIGRATION = '''"""{id}

Revision ID: {id}
Revises: {down}
"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = "{id}"
down_revision = {down!r}
{mark}

def upgrade():
{body}


def downgrade():
    pass
'''


def body(number: int) -> list[str]:
    """What a service's migrations do, in the kinds and numbers of GSA/notifications-api's (docs/benchmarks.md)."""
    decade, step = divmod(number, 10)
    table, history, kinds = f"t{decade}", f"t{decade}_history", f"t{decade - decade % 2}_kinds"
    is_even = decade % 2 == 0
    match step:
        case 0:
            parent = f"t{max(decade - 1, 0)}.id"
            kinds_first = [
                _table(kinds, ['sa.Column("name", sa.String(), primary_key=True)']),
                _sql(f"INSERT INTO {kinds} (name) VALUES ('email'), ('sms'), ('letter')"),
            ]
            return [
                *(kinds_first if is_even else []),
                _table(
                    table, [*_COLUMNS, _references("kind", f"{kinds}.name"), _references("parent_id", parent)]
                ),
                *(_index(table, column) for column in ("created_at", "parent_id")),
            ]
        case 1:
            return [
                _table(history, [*_COLUMNS, _references("kind", f"{kinds}.name")]),
                _index(history, "created_at"),
                _index(history, "kind", unique=is_even),
            ]
        case 2:
            return [
                *(_add(name, f"note_{part}", "sa.Text()") for name in (table, history) for part in (1, 2)),
                *(_sql(f"UPDATE {name} SET note_1 = name WHERE note_1 IS NULL") for name in (table, history)),
            ]
        case 3:
            state = f"t{decade}_state"
            return [
                _sql(f"CREATE TYPE {state} AS ENUM ('draft', 'live', 'gone')"),
                _add(table, "state", f'postgresql.ENUM(name="{state}", create_type=False)'),
                _sql(f"UPDATE {table} SET state = 'live'"),
                _alter(table, "state", "nullable=False"),
                _alter(table, "name", "nullable=True"),
            ]
        case 4:
            return [
                *(_alter(name, "version", "type_=sa.BigInteger()") for name in (table, history)),
                _alter(table, "version", "nullable=False"),
            ]
        case 5:
            columns, values = "id, name, kind, version", "gen_random_uuid(), 'n' || n, 'sms', n"
            row = (
                f"INSERT INTO {table} ({columns}, state) SELECT {values}, 'live' FROM generate_series({{}}) n"
            )
            return [
                *(_sql(row.format(span)) for span in ("1, 4", "5, 9")),
                _sql(f"INSERT INTO {history} ({columns}) SELECT {columns} FROM {table} WHERE version = 1"),
                _sql(f"UPDATE {table} SET kind = 'email' WHERE version = 3"),
                _sql(f"DELETE FROM {history} WHERE version > 100"),
            ]
        case 6:
            rename = [_alter(history, "note_2", 'new_column_name="remark"')]
            return [
                _add(history, "parent_id", "sa.Uuid()"),
                f'op.create_foreign_key("fk_{history}", "{history}", "{table}", ["parent_id"], ["id"])',
                _sql(f"UPDATE {history} SET parent_id = id WHERE parent_id IS NULL AND false"),
                *(rename if is_even else []),
            ]
        case 7:
            return [
                f'op.drop_constraint("fk_{history}", "{history}", type_="foreignkey")',
                f'op.drop_index("ix_{history}_kind", table_name="{history}")',
                _index(history, "parent_id"),
                _sql(f"INSERT INTO {kinds} (name) VALUES ('{table}')"),
            ]
        case 8:
            return [
                *(f'op.drop_column("{name}", "note_1")' for name in (table, history)),
                *([f'op.drop_index("ix_{table}_created_at", table_name="{table}")'] if is_even else []),
            ]
        case _:
            return [f'op.drop_table("{history}")']


#: Those that drop something say so: the guard is on in both that are refused otherwise.
DESTRUCTIVE = (8, 9)
_COLUMNS = [
    'sa.Column("id", sa.Uuid(), primary_key=True)',
    'sa.Column("name", sa.String(255), nullable=False)',
    'sa.Column("version", sa.Integer())',
    'sa.Column("created_at", sa.DateTime())',
    'sa.Column("updated_at", sa.DateTime())',
]


def _table(name: str, columns: Sequence[str]) -> str:
    return f'op.create_table("{name}", {", ".join(columns)})'


def _references(column: str, other: str) -> str:
    kind = "sa.Uuid()" if column.endswith("_id") else "sa.String()"
    return f'sa.Column("{column}", {kind}, sa.ForeignKey("{other}"))'


def _index(table: str, column: str, *, unique: bool = False) -> str:
    return f'op.create_index("ix_{table}_{column}", "{table}", ["{column}"], unique={unique})'


def _add(table: str, column: str, kind: str) -> str:
    return f'op.add_column("{table}", sa.Column("{column}", {kind}, nullable=True))'


def _alter(table: str, column: str, change: str) -> str:
    return f'op.alter_column("{table}", "{column}", {change})'


def _sql(text: str) -> str:
    return f'op.execute("{text}")'


def write_history(folder: Path) -> None:
    """The migrations, and the configuration that both tools read."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text(INI)
    (folder / "alembic" / "env.py").write_text(ENV)
    down = None
    for number in range(COUNT):
        revision = f"{number + 1:04}_step"
        lines = "\n".join(f"    {line}" for line in body(number))
        mark = 'destructive = "it was meant"\n' if number % 10 in DESTRUCTIVE else ""
        text = MIGRATION.format(id=revision, down=down, mark=mark, body=lines)
        (versions / f"{revision}.py").write_text(text)
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
