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

from conftest import ROOT, SmallProject, query

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


ROWS = "SELECT version_num FROM alembic_version ORDER BY 1"
TABLES = """
    SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
    AND relname <> 'alembic_version' ORDER BY 1
"""


@dataclasses.dataclass(frozen=True)
class Repository:
    """A project under git with `0411_users` on main, a database, and the command that works on both."""

    small: SmallProject
    url: str
    run: Notifydb

    def git(self, *arguments: str, fails: bool = False) -> None:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.small.project.root, check=False, capture_output=True
        )
        assert (done.returncode != 0) == fails, done.stderr

    def table(self, revision: str, down: str, *, table: str = "") -> Path:
        """A migration that makes a table of its own words, and drops it."""
        name = table or revision[5:]
        return self.small.add(
            revision,
            f'op.create_table("{name}", sa.Column("id", sa.Integer))',
            f'op.drop_table("{name}")',
            down=down,
        )

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "more")

    def branch(self, name: str, *revisions: str) -> None:
        """A branch off main with a chain of migrations."""
        self.git("switch", "--quiet", "--create", name, "main")
        for below, revision in zip(("0411_users", *revisions), revisions, strict=False):
            self.table(revision, below)
        self.commit()

    def switch(self, name: str) -> None:
        self.git("switch", "--quiet", name)

    def notifydb(self, *arguments: str, **variables: str) -> Outcome:
        return self.run(
            *arguments, **{"DATABASE_URL": self.url, "NOTIFYDB_ENVIRONMENT": "development", **variables}
        )

    def rows(self) -> list[object]:
        return [row for (row,) in query(self.url, ROWS)]

    def tables(self) -> list[object]:
        return [table for (table,) in query(self.url, TABLES)]


@pytest.fixture
def repository(small_project: SmallProject, database: str, notifydb: Notifydb) -> Repository:
    made = Repository(small_project, database, notifydb)
    (small_project.project.root / ".gitignore").write_text("__pycache__\n.notifydb\n")
    small_project.add("0411_users", 'op.create_table("users", sa.Column("id", sa.Integer))')
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit()
    return made
