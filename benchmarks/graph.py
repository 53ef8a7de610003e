"""Reads generated histories with notifydb and with plain Alembic, in turn, and prints the ratios.

Run it with `make bench`. Figures are whole processes, start-up included, as a user waits for them; each
history is committed to a git repository on `main`, as `renumber --check` finds it in CI.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 9
COUNTS = (550, 5_000)
COMMANDS = (
    (["heads"], ["heads"]),
    (["history"], ["history"]),
    (["migrate", "renumber", "--check"], ["heads"]),
)
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


def commit(folder: Path) -> None:
    """Puts everything in `folder` on the main branch of a new repository."""
    who = ["-c", "user.name=benchmark", "-c", "user.email=benchmark@example.org"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-qm", "history"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)


def seconds(program: str, arguments: list[str], folder: Path) -> float:
    """How long a whole process takes."""
    command = [str(Path(sys.executable).parent / program), *arguments]
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - began


def in_turn(ours: list[str], theirs: list[str], folder: Path) -> list[tuple[float, float, float]]:
    """Seconds of notifydb's command, of Alembic's and of notifydb's start alone: what is noisy is so for all."""
    runs = [
        (
            seconds("notifydb", ours, folder),
            seconds("alembic", theirs, folder),
            seconds("notifydb", ["--version"], folder),
        )
        for _ in range(RUNS + 1)
    ]
    # The first fills the disk's cache and Python's.
    return runs[1:]


def compare(count: int, folder: Path) -> list[float]:
    """Prints a line for each command; returns what each takes for a revision, its start aside, in seconds."""
    write_history(folder, count)
    commit(folder)
    costs = []
    for ours, theirs in COMMANDS:
        runs = in_turn(ours, theirs, folder)
        mine, other, start = (statistics.median(each) for each in zip(*runs, strict=True))
        ratio = statistics.median(b / a for a, b, _ in runs)
        costs.append(statistics.median(a - c for a, _, c in runs) / count)
        print(
            f"{count:>5} revisions  notifydb {' '.join(ours):24} {mine:6.3f} s (start {start:.3f} s)"
            f"   alembic {theirs[0]:8} {other:6.3f} s   {ratio:4.1f} times faster"
        )
    return costs


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        few, many = (compare(count, Path(name) / str(count)) for count in COUNTS)
    for (ours, _), small, large in zip(COMMANDS, few, many, strict=True):
        print(
            f"notifydb {' '.join(ours):24} a revision takes {small * 1e6:4.0f} us of {COUNTS[0]}"
            f" and {large * 1e6:4.0f} us of {COUNTS[1]}: {large / small:.2f} times"
        )


if __name__ == "__main__":
    main()
