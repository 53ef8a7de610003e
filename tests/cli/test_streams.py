"""Streams that are closed, or take nothing: a command does its work, and then says what could not be written."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from conftest import SmallProject, query

VERSION = "SELECT version_num FROM alembic_version"


@pytest.fixture
def project(small_project: SmallProject) -> SmallProject:
    small_project.add("0001_one", 'print("a migration speaks")')
    small_project.add("0002_two", 'print("and another")')
    return small_project


def in_shell(project: SmallProject, url: str, command: str) -> subprocess.CompletedProcess[str]:
    """Runs `notifydb COMMAND`, which redirects its streams."""
    return subprocess.run(
        ["sh", "-c", f"{shlex.quote(sys.executable)} -m notifydb {command}"],
        cwd=project.project.root, env={**os.environ, "DATABASE_URL": url},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "where", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", "> /dev/full", "2> /dev/full", "> /dev/full 2>&1"]
)
def test_talk_that_nobody_takes_is_dropped_and_the_upgrade_goes_on(
    where: str, project: SmallProject, database: str
) -> None:
    done = in_shell(project, database, f"upgrade {where}")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert query(database, VERSION) == [("0002_two",)]


def test_a_gate_that_wants_no_words_passes_by_its_code(project: SmallProject, database: str) -> None:
    assert in_shell(project, database, "upgrade").returncode == 0
    done = in_shell(project, database, "status --at-head >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_has_seen_enough_is_no_failure(project: SmallProject, database: str) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "notifydb", "history"],
            cwd=project.project.root, env={**os.environ, "DATABASE_URL": database},
            stdout=gone, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["upgrade --log-format json", "history", "--version", "--help"])
def test_an_answer_that_cannot_be_written_is_told_when_the_work_is_done(
    command: str, project: SmallProject, database: str
) -> None:
    done = in_shell(project, database, f"{command} > /dev/full")
    assert done.returncode == 74, done.stderr
    assert "not all of its output could be written: [Errno 28] No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    if command.startswith("upgrade"):
        assert query(database, VERSION) == [("0002_two",)]


def test_a_command_that_fails_keeps_its_code_whatever_becomes_of_its_words(
    project: SmallProject, database: str
) -> None:
    project.add("0003_bad", 'op.execute("SELECT 1/0")')
    done = in_shell(project, database, "upgrade --log-format json > /dev/full 2>&1")
    assert done.returncode == 6
    assert query(database, VERSION) == [("0002_two",)]
