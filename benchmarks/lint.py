"""Lints a branch of three migrations over a long history, and a large SQL file, beside squawk; prints ratios.

Run it with `make bench`. Figures are whole processes, start-up included, in turn; a ratio is the median of
the ratios run by run. `imports` is a Python process that imports what no linter of Alembic migrations in
Python can do without, and the three migrations, and does nothing else.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from graph import commit, write_history

RUNS = 9
HISTORY = 550
MEGABYTE = 1_000_000
BIN = Path(sys.executable).parent
IMPORTS = (
    "import alembic.op, alembic.script, alembic.runtime.environment, sqlalchemy.dialects.postgresql,"
    " postgast, typer, rich.console, runpy;"
    " [runpy.run_path(f'alembic/versions/{name}.py') for name in {names!r}]"
)
ENV = """
from alembic import context

context.configure(dialect_name="postgresql", transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
"""
FIRST = '''"""users"""

from alembic import op
import sqlalchemy as sa

revision = "0001_add_c1"
down_revision = None


def upgrade():
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("c1", sa.Text))
    for number in range(1, 12):
        op.create_table(f"wide{number}", sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    op.drop_table("users")
    for number in range(1, 12):
        op.drop_table(f"wide{number}")
'''
BRANCH = {
    "0551_index": (
        'op.create_index("ix_users_c1", "users", ["c1"])',
        'op.drop_index("ix_users_c1", "users")',
    ),
    "0552_not_null": (
        'op.alter_column("users", "c2", nullable=False)',
        'op.alter_column("users", "c2", nullable=True)',
    ),
    "0553_teams": (
        'op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True))',
        'op.drop_table("teams")',
    ),
}
MIGRATION = '''"""{id}"""

from alembic import op
import sqlalchemy as sa

revision = "{id}"
down_revision = "{down}"


def upgrade():
    {upgrade}


def downgrade():
    {downgrade}
'''
STATEMENTS = """\
CREATE INDEX ix_users_c{0} ON users (c{0});
ALTER TABLE users ADD COLUMN d{0} text DEFAULT 'none';
ALTER TABLE users ADD CONSTRAINT ck{0} CHECK (c{0} <> 'x');
UPDATE users SET d{0} = 'y' WHERE id = {0};
"""


def write_project(folder: Path) -> None:
    """The history on the main branch, the three migrations on another."""
    write_history(folder, HISTORY)
    (folder / "alembic" / "env.py").write_text(ENV)
    versions = folder / "alembic" / "versions"
    (versions / "0001_add_c1.py").write_text(FIRST)
    for path in sorted(versions.glob("*.py"))[50:]:
        # So many columns do not fit into a row of one table.
        table = f"wide{int(path.name[:4]) // 50}"
        path.write_text(path.read_text().replace('"users"', f'"{table}"'))
    (folder / ".gitignore").write_text(".notifydb\n")
    commit(folder)
    subprocess.run(["git", "switch", "-qc", "branch"], cwd=folder, check=True)
    down = f"{HISTORY:04}_add_c{HISTORY}"
    for name, (upgrade, downgrade) in BRANCH.items():
        text = MIGRATION.format(id=name, down=down, upgrade=upgrade, downgrade=downgrade)
        (versions / f"{name}.py").write_text(text)
        down = name


def write_sql(path: Path) -> None:
    """A megabyte of statements."""
    text = "".join(STATEMENTS.format(number) for number in range(MEGABYTE // len(STATEMENTS) + 1))
    path.write_text(text[: text.rindex("\n", 0, MEGABYTE) + 1])


def seconds(command: str, folder: Path) -> float:
    """How long a whole command takes; a linter exits 1 where it finds something, which it does here."""
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "NOTIFYDB_ENVIRONMENT": "development",
        # What is installed is compiled; nobody compiles it at each start.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    began = time.perf_counter()
    ended = subprocess.run(
        ["bash", "-c", command], cwd=folder, check=False, capture_output=True, env=environment
    )
    if ended.returncode not in (0, 1):
        raise SystemExit(f"{command}: exit {ended.returncode}\n{ended.stderr.decode()}")
    return time.perf_counter() - began


def beside(ours: str, theirs: str, folder: Path, what: Sequence[str]) -> None:
    """Prints the medians of both commands, which are called `what`, and of the ratio."""
    # The first fills the caches of the disk and of Python, and makes the shadow's template.
    runs = [(seconds(ours, folder), seconds(theirs, folder)) for _ in range(RUNS + 1)][1:]
    mine, other = (statistics.median(each) for each in zip(*runs, strict=True))
    ratio = statistics.median(ours / theirs for ours, theirs in runs)
    print(f"{what[0]:46} {mine:6.3f} s   {what[1]:40} {other:6.3f} s   {ratio:5.2f} times as long")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        write_sql(folder / "large.sql")
        imports = f'python -c "{IMPORTS.replace("{names!r}", repr(list(BRANCH)))}"'
        peer = f"alembic upgrade {HISTORY:04}_add_c{HISTORY}:head --sql | squawk"
        try:
            beside("notifydb lint --static", imports, folder, ("notifydb lint --static", "imports"))
            beside(
                "notifydb lint --trace",
                peer,
                folder,
                ("notifydb lint --trace, warm shadow", "alembic --sql | squawk"),
            )
            beside(
                "notifydb lint --static large.sql",
                "squawk large.sql",
                folder,
                ("notifydb lint --static, 1 MB of SQL", "squawk"),
            )
        finally:
            seconds("notifydb db stop", folder)


if __name__ == "__main__":
    main()
