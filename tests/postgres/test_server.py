"""The embedded server: survives commands, crashes, and two commands at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import query
from notifydb import errors, guard
from notifydb.guard import Mark, Operation, Request, Target
from notifydb.settings import Environment, Voice
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.server import DATABASE, Server


@pytest.fixture
def own_server(tmp_path: Path, server: Server) -> Iterator[Server]:
    own = Server(tmp_path / ".notifydb" / "postgres", server.binaries)
    yield own
    own.stop()


def postmaster(server: Server) -> int:
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


def kill(server: Server) -> None:
    pid = postmaster(server)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while server.is_running() and time.monotonic() < deadline:
        time.sleep(0.05)


def test_data_survives_a_stop_and_a_crash(own_server: Server) -> None:
    assert own_server.start()
    assert not own_server.start()
    query(own_server.url(), "CREATE TABLE kept (id int)")
    assert own_server.stop()
    assert not own_server.stop()
    assert own_server.start()
    kill(own_server)
    assert (own_server.data / "postmaster.pid").exists()
    assert own_server.start()
    assert query(own_server.url(), "SELECT count(*) FROM kept") == [(0,)]


def test_a_pid_file_that_names_somebody_else_is_stale(own_server: Server) -> None:
    own_server.start()
    pid_file = own_server.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill(own_server)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    assert own_server.start()


def test_an_unreadable_pid_file_is_stale(own_server: Server) -> None:
    own_server.start()
    kill(own_server)
    (own_server.data / "postmaster.pid").write_text("")
    assert own_server.start()


def test_a_killed_initdb_is_started_over(own_server: Server) -> None:
    own_server.data.mkdir(parents=True)
    (own_server.data / "base").mkdir()
    assert own_server.start()


def test_two_commands_at_once_start_one_server(own_server: Server) -> None:
    started: list[bool] = []
    threads = [threading.Thread(target=lambda: started.append(own_server.start())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [False, False, False, True]
    assert query(own_server.url(), "SELECT 1") == [(1,)]


def test_a_killed_command_leaves_no_lock(own_server: Server) -> None:
    own_server.folder.mkdir(parents=True)
    lock = own_server.folder / "lock"
    hold = (
        f"import fcntl; f = open({str(lock)!r}, 'w'); fcntl.flock(f, 2); print('held', flush=True); input()"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    holder.kill()
    holder.communicate()
    assert own_server.start()


def test_a_path_too_long_for_a_socket(tmp_path: Path, server: Server) -> None:
    deep = Server(tmp_path / ("d" * 60) / ("e" * 60) / "postgres", server.binaries)
    try:
        assert deep.start()
        assert query(deep.url(), "SELECT 1") == [(1,)]
    finally:
        deep.stop()


def test_the_embedded_folder_is_ignored_by_git(own_server: Server) -> None:
    own_server.start()
    assert (own_server.folder.parent / ".gitignore").read_text() == "*\n"


def test_reset_takes_a_permit_for_just_that(own_server: Server) -> None:
    own_server.start()
    query(own_server.url(), "CREATE TABLE gone (id int)")
    request = Request(
        Operation.RESET, Target(DATABASE, Mark("missing"), embedded=True),
        (Voice("a test", Environment.DEVELOPMENT),), confirmation=DATABASE,
    )  # fmt: skip
    own_server.reset(guard.permit(request))
    assert query(own_server.url(), "SELECT to_regclass('gone')::text") == [(None,)]


def test_a_cluster_of_another_version_is_left_alone(own_server: Server) -> None:
    own_server.start()
    own_server.stop()
    (own_server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(errors.ShadowUnavailable, match="was made by PostgreSQL 9"):
        own_server.start()


def test_a_server_that_cannot_start_says_why(own_server: Server) -> None:
    own_server.start()
    own_server.stop()
    (own_server.data / "postgresql.conf").write_text("nonsense = on\n")
    with pytest.raises(errors.ShadowUnavailable, match=r"FATAL.*configuration file"):
        own_server.start()


def test_no_postgres_to_be_found(tmp_path: Path) -> None:
    with pytest.raises(errors.ShadowUnavailable, match="there is no Postgres in"):
        find_binaries(tmp_path)
