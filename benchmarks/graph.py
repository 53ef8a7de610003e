"""Reads a generated history with notifydb and with plain Alembic, in turn, and prints the ratio.

Run it with `make bench`. Figures are whole processes, start-up included, as a user waits for them.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 7
MIGRATION = '''"""{id}

Revision ID: {id}
Revises: {down}
"""

from alembic import op
import sqlalchemy as sa

revision = "{id}"
down_revision = {down!r}


def upgrade():
    op.add_column("users", sa.Column("c{number}", sa.Text(), nullable=True))


def downgrade():
    op.drop_column("users", "c{number}")
'''


def write_history(folder: Path, count: int) -> None:
    """A line of `count` revisions, with the configuration that both tools read."""
    versions = folder / "alembic" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/alembic\n")
    (folder / "alembic" / "env.py").write_text("")
    down = None
    for number in range(1, count + 1):
        revision = f"{number:04}_add_c{number}"
        (versions / f"{revision}.py").write_text(MIGRATION.format(id=revision, down=down, number=number))
        down = revision


def seconds(command: list[str], folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def compare(count: int, ours: list[str], theirs: list[str]) -> None:
    """Times both in turn, so that a noisy machine is noisy for both, and prints medians and their ratio."""
    programs = Path(sys.executable).parent
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_history(folder, count)
        pairs = []
        for run in range(RUNS + 1):
            pair = (
                seconds([str(programs / "notifydb"), *ours], folder),
                seconds([str(programs / "alembic"), *theirs], folder),
            )
            if run:
                pairs.append(pair)
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(
        f"{count:>5} revisions  notifydb {' '.join(ours):24} {mine:6.2f} s"
        f"   alembic {' '.join(theirs):8} {other:6.2f} s   {ratio:4.1f} times faster"
    )


def main() -> None:
    for count in (550, 5_000):
        compare(count, ["heads"], ["heads"])
        compare(count, ["history"], ["history"])
        compare(count, ["migrate", "renumber", "--check"], ["heads"])


if __name__ == "__main__":
    main()
