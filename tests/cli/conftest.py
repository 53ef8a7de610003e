"""Runs the command as a user does, and makes what it says the same on every machine."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from conftest import ROOT, SmallProject

_VARYING = [
    (re.compile(r"\d+\.\d\d s\b"), "N s"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "TIME"),
    (re.compile(r"by \S+@\S+"), "by SOMEBODY"),
    (re.compile(r"test_[0-9a-f]{12}"), "TESTDB"),
]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a command left: its exit code, and both streams with the varying parts named."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def __str__(self) -> str:
        """The whole of it, as one text to compare."""
        streams = "".join(
            f"[{name}]\n{text}" for name, text in (("out", self.out), ("err", self.err)) if text
        )
        return f"exit {self.code}\n{streams}"


Notifydb = Callable[..., Outcome]


@pytest.fixture
def notifydb(small_project: SmallProject, tmp_path: Path) -> Notifydb:
    """`notifydb("upgrade", DATABASE_URL=url)`: runs in the small project, with these variables only."""

    def run(*arguments: str, stdin: str | None = None, cwd: Path | None = None, **variables: str) -> Outcome:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", **variables}
        done = subprocess.run(
            [sys.executable, "-m", "notifydb", *arguments],
            cwd=cwd or small_project.project.root, env=environment, input=stdin or "",
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Outcome(done.returncode, _same(done.stdout, tmp_path), _same(done.stderr, tmp_path))

    return run


def _same(text: str, folder: Path) -> str:
    text = text.replace(str(folder), "FOLDER")
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return text


@pytest.fixture
def git(small_project: SmallProject) -> Callable[..., str]:
    """`git("switch", "main")`: runs in the small project, which is a repository; its stdout."""

    def run(*arguments: str, fails: bool = False) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "core.editor=true"]
        variables = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
        }
        done = subprocess.run(
            ["git", *who, *arguments],
            cwd=small_project.project.root, env=variables, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout

    run("init", "-q", "-b", "main")
    return run


def matches_schema(name: str, document: object) -> bool:
    """Whether the document is of the shape that `docs/json/NAME.schema.json` promises; raises where not."""
    schema = json.loads((ROOT / "docs" / "json" / f"{name}.schema.json").read_text())
    jsonschema.validate(document, schema)
    return True
