"""The command as a job runs it: a process of its own, with these variables only."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from purge_check.world import PREFIX


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """The exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return f"exit {self.code}\n{self.out}{self.err}"


@dataclasses.dataclass(frozen=True, slots=True)
class Command:
    """`folder` is where archives go, and where it runs unless there is a `project`."""

    url: str
    folder: Path
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    project: Path | None = None

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")

    @property
    def archives(self) -> Path:
        return self.folder / "archives"

    def mark(self) -> Outcome:
        """The database says of itself that it is there for tests."""
        return self.run("environment", "set", "test", "--confirm", self.database)

    def purge(self, *options: str) -> Outcome:
        return self.run("purge", "--prefix", PREFIX, *options)

    def purge_for_good(self, *options: str) -> Outcome:
        return self.purge(*options, "--archive", str(self.archives), "--confirm", self.database)

    def run(self, *arguments: str) -> Outcome:
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "DATABASE_URL": self.url,
            "NOTIFYDB_ENVIRONMENT": "test",
            **self.variables,
        }
        done = subprocess.run(
            [sys.executable, "-m", "notifydb", *arguments],
            cwd=self.project or self.folder, env=variables, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=300, check=False,
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout, done.stderr)
