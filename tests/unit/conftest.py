"""Folders of migrations, outside of git and in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from notifydb.revisions import headfile
from unit.planted import Repository, put


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests that write many files and are not about the disk."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations" / "versions"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Main has 0001_a and 0002_m, the branch that is checked out 0001_a and 0002_x."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)
    made = Repository.made(tmp_path / "repository")
    head = made.versions.parent / headfile.HEAD_FILE
    put(made.versions, "0001_a")
    head.write_bytes(headfile.content("0001_a"))
    made.commit("first")
    made.git("checkout", "-qb", "branch")
    put(made.versions, "0002_x", "0001_a")
    head.write_bytes(headfile.content("0002_x"))
    made.commit("branch")
    made.git("checkout", "-q", "main")
    put(made.versions, "0002_m", "0001_a", name="0002_odd_name")
    (made.versions / "helper.py").write_text("x = 1\n")
    (made.versions / "README.md").write_text("not a migration\n")
    head.write_bytes(headfile.content("0002_m"))
    made.commit("main")
    made.git("checkout", "-q", "branch")
    return made
