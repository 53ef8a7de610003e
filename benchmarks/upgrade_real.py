"""Upgrades a database through an application's own history, with notifydb, plain Alembic and the application's command.

Run it in the application's environment, with notifydb installed there (docs/benchmarks.md has the lines for
GSA/notifications-api). It works on a copy of the checkout, in which each migration that the guard refuses is marked as
destructive, so that the guard is on and everything passes.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from upgrade import Databases, tell

#: What an image has installed is compiled there; nobody compiles it at each start.
_COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
_REFUSED = re.compile(r"error: (\S+) destroys data")
#: `alembic upgrade head`, for an `env.py` that needs what the bootstrap enters.
_PLAIN = """\
from alembic import command
from alembic.config import Config
from {module} import {name}

config = Config("{location}/alembic.ini")
config.set_main_option("script_location", "{location}")
with {entered}():
    command.upgrade(config, "head")
"""


def run(command: str, folder: Path, variables: Mapping[str, str]) -> tuple[float, str]:
    """Seconds of the whole process, and what it said; ends where it fails, but for a refusal of the guard."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **_COMPILED, **variables, "PATH": programs}
    began = time.perf_counter()
    done = subprocess.run(command.split(), cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - began
    if done.returncode not in (0, 3):
        raise SystemExit(f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return seconds, done.stderr


def url_of(databases: Databases) -> str:
    """A fresh database's, with the application's own driver; a percent sign would mean something to configparser."""
    return databases.fresh().replace("+psycopg", "", 1)


def mark(versions: Path, revision: str) -> None:
    """Says in the migration that it destroys on purpose."""
    declared = re.compile(rf"^revision\b.*['\"]{re.escape(revision)}['\"]", re.MULTILINE)
    (file,) = (each for each in versions.glob("*.py") if declared.search(each.read_text()))
    file.write_text(f'{file.read_text()}\ndestructive = "it was meant"\n')


def mark_all(folder: Path, versions: Path, variables: Mapping[str, str]) -> int:
    """Upgrades, and marks what is refused, until nothing is."""
    marked = 0
    while (refused := _REFUSED.search(run("notifydb upgrade", folder, variables)[1])) is not None:
        mark(versions, refused[1])
        marked += 1
    return marked


def write_plain(folder: Path, location: str, bootstrap: str) -> str:
    """The command that runs plain Alembic on the history; writes its program."""
    module, _, entered = bootstrap.partition(":")
    name = entered.partition(".")[0]
    text = _PLAIN.format(module=module, name=name, entered=entered, location=location)
    (folder / "plain_alembic.py").write_text(text)
    return "python plain_alembic.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--location", default="migrations", help="the migrations folder, in the checkout")
    parser.add_argument("--bootstrap", required=True, help="as notifydb's setting of that name")
    parser.add_argument("--own", default="flask db upgrade", help="the application's own command")
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "checkout"
        shutil.copytree(given.checkout, folder, ignore=shutil.ignore_patterns(".git", "node_modules"))
        databases = Databases(Path(temporary) / "postgres")
        fixed = {"NOTIFYDB_ENVIRONMENT": "production", "NOTIFYDB_SCRIPT_LOCATION": given.location,
                 "NOTIFYDB_BOOTSTRAP": given.bootstrap}  # fmt: skip
        try:
            versions = folder / given.location / "versions"
            marked = mark_all(folder, versions, {**fixed, "DATABASE_URL": url_of(databases)})
            print(f"{len(list(versions.glob('*.py')))} migrations, {marked} of them marked as destructive")
            plain = write_plain(folder, given.location, given.bootstrap)
            found: dict[str, list[float]] = {"notifydb upgrade": [], plain: [], given.own: []}
            for _ in range(given.runs + 1):
                for command, seconds in found.items():
                    seconds.append(run(command, folder, {**fixed, "DATABASE_URL": url_of(databases)})[0])
            tell({command: seconds[1:] for command, seconds in found.items()})
        finally:
            databases.server.stop()


if __name__ == "__main__":
    main()
