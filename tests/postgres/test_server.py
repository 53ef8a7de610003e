"""The embedded server: survives commands, crashes, and two commands at once."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import query
from notifydb import errors, guard
from notifydb.guard import Mark, Operation, Request, Target
from notifydb.settings import Environment, Voice
from notifydb.shadow import cluster
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
    own_server.start()
    own_server.stop()
    (own_server.data / "PG_VERSION").unlink()
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
        assert deep.sockets.is_dir()
    finally:
        deep.stop()
    assert not deep.sockets.exists()


def test_the_embedded_folder_is_ignored_by_git(own_server: Server) -> None:
    own_server.start()
    assert (own_server.folder.parent / ".gitignore").read_text() == "*\n"


def test_a_gitignore_is_written_to_no_folder_that_was_there(tmp_path: Path, server: Server) -> None:
    own = Server(tmp_path / "postgres", server.binaries)
    try:
        own.start()
    finally:
        own.stop()
    assert not (tmp_path / ".gitignore").exists()
    assert (own.folder / ".gitignore").exists()


@pytest.mark.parametrize("name", ["data/important", "data/PG_VERSION", "init.sql"])
def test_files_of_somebody_else_are_neither_cleared_nor_served(own_server: Server, name: str) -> None:
    theirs = own_server.folder / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("18")
    for command in (own_server.start, lambda: own_server.reset(reset_permit())):
        with pytest.raises(errors.ShadowUnavailable, match="notifydb did not make") as refusal:
            command()
        assert "NOTIFYDB_DATA_DIR" in (refusal.value.hint or "")
    assert [path for path in own_server.folder.rglob("*") if path.is_file()] == [theirs]
    shutil.rmtree(own_server.folder)


@pytest.mark.parametrize("folder", ["it's", 'a "quote"', "$HOME `id`", "one, two", "per%20cent & semi;colon"])
def test_a_project_path_that_a_shell_would_read(tmp_path: Path, server: Server, folder: str) -> None:
    own = Server(tmp_path / folder / "postgres", server.binaries)
    try:
        assert own.start()
        assert query(own.url(), "SELECT 1") == [(1,)]
        assert own.log.is_file()
    finally:
        assert own.stop()


_ELSEWHERE = {
    "PGHOST": "127.0.0.1", "PGHOSTADDR": "127.0.0.1", "PGPORT": "1", "PGSERVICE": "elsewhere",
    "PGSSLMODE": "verify-full", "PGOPTIONS": "-c search_path=elsewhere", "PGDATABASE": "elsewhere",
    "PGUSER": "elsewhere", "PGCLIENTENCODING": "LATIN1", "PGTARGETSESSIONATTRS": "standby",
    "PGGSSENCMODE": "require", "PGCHANNELBINDING": "require", "PGREQUIREAUTH": "scram-sha-256",
    "PGREQUIREPEER": "elsewhere", "PGDATA": "/elsewhere",
}  # fmt: skip


@pytest.mark.parametrize("names", [*([name] for name in _ELSEWHERE), list(_ELSEWHERE)], ids="+".join)
def test_libpq_variables_have_no_influence(
    server: Server, monkeypatch: pytest.MonkeyPatch, names: list[str]
) -> None:
    for name in names:
        monkeypatch.setenv(name, _ELSEWHERE[name])
    assert server.is_running()
    assert query(server.url("postgres"), "SHOW search_path") == [('"$user", public',)]
    assert query(server.url("postgres"), "SHOW client_encoding") == [("UTF8",)]


def test_libpq_variables_have_no_influence_on_a_start(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in _ELSEWHERE.items():
        monkeypatch.setenv(name, value)
    assert own_server.start()
    assert (own_server.sockets / ".s.PGSQL.5432").exists()
    assert own_server.stop()


def test_variables_that_a_url_outdoes_stay_for_other_databases(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "theirs")
    monkeypatch.setenv("PGCHANNELBINDING", "require")
    server.url()
    assert (os.environ["PGPASSWORD"], os.environ["PGCHANNELBINDING"]) == ("theirs", "require")


def test_a_closed_home_stays_closed(tmp_path: Path, server: Server) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    own = Server(home / "project" / ".notifydb" / "postgres", server.binaries)
    try:
        assert own.start()
        assert query(own.url(), "SELECT 1") == [(1,)]
    finally:
        assert own.stop()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_programs_below_a_closed_home_find_each_other(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    program = home / "program"
    program.write_text('#!/bin/sh\n[ "$1" = --version ] || /usr/bin/env test -x "$0" && echo found\n')
    program.chmod(0o755)
    assert cluster.run(program, data=home / "data").stdout == "found"


def test_a_closed_home_that_cannot_be_passed_is_named(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(cluster, "_SETPRIV", "no-such-program")
    monkeypatch.setattr(cluster, "server_user", lambda data: pwd.getpwnam("nobody"))
    with pytest.raises(errors.ShadowUnavailable, match=f"nobody may not pass .*{closed}") as refusal:
        cluster.run(server.binaries / "postgres", "--version", data=closed / "data")
    assert (refusal.value.hint or "").startswith("chmod o+x ")
    assert str(closed) in (refusal.value.hint or "")


@pytest.mark.parametrize("content", [b"", b"garbage\n", b"\xff\xfe", b"99999999\n"])
def test_a_damaged_pid_file_does_not_keep_a_server_running(own_server: Server, content: bytes) -> None:
    own_server.start()
    pid = postmaster(own_server)
    (own_server.data / "postmaster.pid").write_bytes(content)
    assert own_server.stop()
    assert not own_server.is_running()
    assert not cluster.is_postgres(pid)
    assert own_server.start()


def test_a_lost_pid_file_does_not_keep_a_server_running(own_server: Server) -> None:
    own_server.start()
    (own_server.data / "postmaster.pid").unlink()
    assert own_server.stop()
    assert not own_server.is_running()


def reset_permit() -> guard.Permit:
    return guard.permit(
        Request(
            Operation.RESET, Target(DATABASE, Mark("missing"), embedded=True),
            (Voice("a test", Environment.DEVELOPMENT),), confirmation=DATABASE,
        )
    )  # fmt: skip


def test_no_other_command_comes_between_the_steps_of_a_reset(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_server.start()
    others: list[threading.Thread] = []
    clear = shutil.rmtree

    def clear_while_another_starts(*args: Any, **options: Any) -> None:
        others.append(threading.Thread(target=Server(own_server.folder, own_server.binaries).start))
        others[-1].start()
        others[-1].join(1)
        assert others[-1].is_alive(), "it waits for the reset"
        clear(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr("notifydb.shadow.server.shutil.rmtree", clear_while_another_starts)
        own_server.reset(reset_permit())
    for other in others:
        other.join()
    assert query(own_server.url(), "SELECT 1") == [(1,)]


def test_reset_takes_a_permit_for_just_that(own_server: Server) -> None:
    own_server.start()
    query(own_server.url(), "CREATE TABLE gone (id int)")
    own_server.reset(reset_permit())
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
    with pytest.raises(errors.ShadowUnavailable, match=r"FATAL.*configuration file.*pg_ctl: could not start"):
        own_server.start()


def test_no_postgres_to_be_found(tmp_path: Path) -> None:
    with pytest.raises(errors.ShadowUnavailable, match="there is no Postgres in"):
        find_binaries(tmp_path)
