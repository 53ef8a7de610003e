"""What lint says that statements take at production's size, beside what they do take there.

Run it with `.venv/bin/python benchmarks/sizes.py`; it needs the embedded Postgres, some gigabytes of disk, and
minutes. Production is a database of its own with wide, random rows; lint knows its exported sizes only.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psycopg
import sqlalchemy as sa

from notifydb.lint.engine import lint
from notifydb.lint.example import Example
from notifydb.lint.options import Options
from notifydb.lint.production import dump, read
from notifydb.migrator.config import Project
from notifydb.postgres.measure import read_sizes
from notifydb.revisions.reader import read_history
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.database import Shadows
from notifydb.shadow.server import Server

COUNTS = (1_000_000, 3_000_000)
SCHEMA = """
op.execute('''
    CREATE TABLE services (id integer PRIMARY KEY, name text);
    CREATE TABLE notifications (
        id uuid PRIMARY KEY, service_id integer, recipient varchar, status varchar, created_at timestamp,
        reference varchar, billable_units integer, cost numeric(10, 3), body text
    );
    CREATE INDEX ix_created ON notifications (created_at);
    CREATE INDEX ix_service ON notifications (service_id);
    CREATE INDEX ix_status ON notifications (status)
''')
"""
FILL = """
    INSERT INTO notifications SELECT
        gen_random_uuid(), 1 + (random() * 999)::int, '+4477' || (random() * 1e8)::int,
        (ARRAY['delivered', 'sending', 'failed'])[1 + (random() * 2)::int],
        timestamp '2020-01-01' + random() * 1e8 * interval '1 s', md5(random()::text), (random() * 1e6)::int,
        random() * 1000, repeat(md5(random()::text), 8)
    FROM generate_series(1, {count})
"""
STATEMENTS = {
    "CREATE INDEX (integer, timestamp)": "CREATE INDEX x ON notifications (service_id, created_at)",
    "CREATE INDEX (text)": "CREATE INDEX x ON notifications (reference)",
    "UNIQUE": "ALTER TABLE notifications ADD CONSTRAINT x UNIQUE (id, created_at)",
    "SET NOT NULL": "ALTER TABLE notifications ALTER COLUMN created_at SET NOT NULL",
    "ADD CHECK": "ALTER TABLE notifications ADD CONSTRAINT x CHECK (billable_units >= 0)",
    "ADD FOREIGN KEY": "ALTER TABLE notifications ADD CONSTRAINT x FOREIGN KEY (service_id) REFERENCES services",
    "ALTER TYPE": "ALTER TABLE notifications ALTER COLUMN billable_units TYPE bigint",
    "ADD COLUMN, volatile default": "ALTER TABLE notifications ADD COLUMN x uuid DEFAULT gen_random_uuid()",
    "UPDATE": "UPDATE notifications SET status = 'created'",
    "DELETE": "DELETE FROM notifications",
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Server(folder / "postgres", find_binaries(None))
        server.start()
        try:
            for count in COUNTS:
                compare(server, folder / str(count), count)
        finally:
            server.stop()


def compare(server: Server, folder: Path, count: int) -> None:
    """Prints a line for each statement: what lint says, what it takes, the ratio."""
    production = make_production(server, f"production_{count}", count)
    stats = folder / "stats.json"
    folder.mkdir()
    stats.write_text(dump(read_sizes(production)))
    print(f"\n| {count:,} rows | says, s | takes, s | ratio |\n|---|---|---|---|")
    for number, (name, statement) in enumerate(STATEMENTS.items()):
        said = estimate(server, folder / str(number), statement, stats)
        took = run(production, statement)
        ratio = f"{said / took:.2f}" if said else "-"
        print(f"| {name} | {said or 0:.2f} | {took:.2f} | {ratio} |", flush=True)


def make_production(server: Server, name: str, count: int) -> str:
    with psycopg.connect(plain(server.url("postgres")), autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE {name}")
    url = server.url(name)
    with psycopg.connect(plain(url), autocommit=True) as conn:
        conn.execute(SCHEMA.split("'''")[1])
        conn.execute("INSERT INTO services SELECT i, 'service ' || i FROM generate_series(1, 1000) i")
        conn.execute(FILL.format(count=count))
        conn.execute("VACUUM ANALYZE")
        conn.execute("CHECKPOINT")
    return url


def estimate(server: Server, folder: Path, statement: str, stats: Path) -> float | None:
    """Seconds, as a finding of any rule has them."""
    revision = Example(f'op.execute("{statement}")', before=(SCHEMA,)).write(folder)
    project = Project(folder, folder / "migrations")
    history = read_history(project.versions)
    shadows = Shadows(server.url("postgres"), project, history, keep=4)
    report = lint(
        history, [revision], project, shadows=shadows, options=Options(production=read(stats).tables)
    )
    known = [each.estimate_ms for each in report.findings if each.estimate_ms is not None]
    return known[0] / 1000 if known else None


def run(url: str, statement: str) -> float:
    """Seconds in production; it is rolled back, and what it left dead is cleared away."""
    with psycopg.connect(plain(url)) as conn:
        conn.execute("SELECT 1")
        began = time.perf_counter()
        conn.execute(statement)
        took = time.perf_counter() - began
        conn.rollback()
        conn.autocommit = True
        conn.execute("VACUUM notifications")
    return took


def plain(url: str) -> str:
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
