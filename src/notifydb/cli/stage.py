"""The demo's stage: a project in a temporary folder, where real commands are typed and shown."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import notifydb
from notifydb import errors
from notifydb.revisions.headfile import HEAD_FILE

if TYPE_CHECKING:
    from rich.console import Console

#: Of a long output, so many lines are shown from each end.
_SHOWN = 3


class Stage:
    """One project below a temporary folder, with an embedded Postgres of its own."""

    def __init__(self, folder: Path, console: Console) -> None:
        self.folder = folder
        self.console = console
        self.versions = folder / "alembic" / "versions"
        self.url = ""
        self._typed: dict[str, str] = {}
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("NOTIFYDB_", "DATABASE_URL"))
        }
        self._environment |= {"NOTIFYDB_ENVIRONMENT": "development", "COLUMNS": "100", "NO_COLOR": "1"}

    def tell(self, title: str, text: str) -> None:
        """The heading of a scene and a few lines about it."""
        self.console.print(f"\n{title}", style="bold yellow", highlight=False, markup=False)
        self.console.print(" ".join(text.split()), highlight=False, markup=False)

    def run(self, *arguments: str, expect: int = 0, whole: bool = False, **variables: str) -> str:
        """Types `notifydb ARGUMENTS`, shows what it says, and returns it.

        Raises InternalError when it does not exit with `expect`: the demo shows nothing that is not so.
        """
        set_ = [f"{name}={self._typed.get(value, value)}" for name, value in variables.items()]
        typed = " ".join([*set_, "notifydb", shlex.join(arguments)])
        self.console.print(f"\n$ {typed}", style="bold green", highlight=False, markup=False)
        done = subprocess.run(
            [sys.executable, "-m", "notifydb", *arguments],
            cwd=self.folder, env={**self._environment, **variables}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        self._show(done.stdout.rstrip("\n").splitlines(), whole=whole)
        if expect:
            self.console.print(f"(exit {done.returncode})", style="dim", highlight=False)
        if done.returncode != expect:
            raise errors.InternalError(f"notifydb {arguments[0]} exited with {done.returncode}, not {expect}")
        return done.stdout

    def database_url(self) -> str:
        """The embedded database's URL, which is typed as the command that prints it."""
        self.url = self.run("db", "url").strip()
        self._typed[self.url] = '"$(notifydb db url)"'
        return self.url

    def show_file(self, path: Path, first: str = "") -> None:
        """Shows a file from the line that starts with `first`."""
        lines = path.read_text(encoding="utf-8").splitlines()
        start = next((number for number, line in enumerate(lines) if line.startswith(first)), 0)
        self.console.print(f"\n  {path.relative_to(self.folder)}", style="bold", highlight=False)
        for line in lines[start:]:
            self.console.print(f"  | {line}", style="cyan", highlight=False, markup=False, soft_wrap=True)

    def write_migration(self, revision: str, down: str, *body: str) -> Path:
        """What a colleague, or a hurried moment, has written."""
        path = self.versions / f"{revision}.py"
        lines = "".join(f"    {line}\n" for line in body)
        path.write_text(_MIGRATION.format(revision=revision, down=down, body=lines), encoding="utf-8")
        (self.versions.parent / HEAD_FILE).write_text(f"{revision}\n", encoding="utf-8")
        return path

    def _show(self, lines: list[str], *, whole: bool) -> None:
        hidden = 0 if whole else len(lines) - 2 * _SHOWN - 1
        if hidden > 1:
            lines = [*lines[:_SHOWN], f"... {hidden} more lines ...", *lines[-_SHOWN - 1 :]]
        for line in lines:
            line = line.replace(str(self.folder), "$DEMO")
            self.console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def staged(console: Console) -> Iterator[Stage]:
    """A stage with the Notify history on it; nothing of it is left afterwards."""
    history = Path(notifydb.__file__).parents[2] / "alembic"
    if not (history / "versions").is_dir():
        raise errors.UsageError(
            "the demo needs the migrations of notifydb's own repository", hint="run make demo in a checkout"
        )
    folder = Path(tempfile.mkdtemp(prefix="notifydb-demo-"))
    stage = Stage(folder, console)
    try:
        shutil.copytree(history, folder / "alembic", ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "notifydb.toml").write_text('metadata = "models:metadata"\n', encoding="utf-8")
        (folder / "models.py").write_text(_MODELS, encoding="utf-8")
        yield stage
    finally:
        _stop_server(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _stop_server(folder: Path) -> None:
    from notifydb.shadow.binaries import find_binaries
    from notifydb.shadow.server import Server

    with contextlib.suppress(errors.NotifydbError):
        Server(folder / ".notifydb" / "postgres", find_binaries()).stop()


def seconds_since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} seconds"


_MODELS = '''\
"""The team's models: those of the Notify data model."""

import sqlalchemy as sa
from notifydb.models import metadata
'''

_MIGRATION = '''\
"""{revision}

Revision ID: {revision}
Revises: {down}
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down}"


def upgrade():
{body}

def downgrade():
    raise NotImplementedError
'''
