"""The embedded Postgres: one server per project, on a Unix socket, that outlives its command."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg

from notifydb import errors
from notifydb.guard import Operation, Permit
from notifydb.shadow import cluster
from notifydb.shadow.binaries import major_version

SUPERUSER = "postgres"
DATABASE = "notifydb"
PORT = "5432"
_SOCKET = f".s.PGSQL.{PORT}"
#: `sockaddr_un` holds 108 bytes on Linux, 104 elsewhere.
_MAX_SOCKET_FOLDER = 104 - len(f"/{_SOCKET}") - 1
_START_TIMEOUT = 60
#: In a folder that notifydb began, and may clear.
_MARKER = ".notifydb-embedded"
#: What a command writes before it may set the marker.
_BEFORE_MARKER = {"lock", ".gitignore"}
# A development server: losing the last moments in a power cut is fine, waiting for the disk is not.
_SETTINGS = {
    "port": PORT,
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "timezone": "UTC",
    "log_min_messages": "warning",
}
#: Variables by which libpq would go elsewhere or refuse this server, with the parameter that outdoes each.
_OUTDONE = {
    "PGOPTIONS": ("options", " "),
    "PGCLIENTENCODING": ("client_encoding", "UTF8"),
    "PGTARGETSESSIONATTRS": ("target_session_attrs", "any"),
    "PGGSSENCMODE": ("gssencmode", "disable"),
    "PGCHANNELBINDING": ("channel_binding", "disable"),
    "PGREQUIREAUTH": ("require_auth", "none"),
}
#: Those no URL can outdo: a service cannot be unset, and SQLAlchemy drops the empty `hostaddr=` that would win.
_DROPPED = ("PGHOSTADDR", "PGSERVICE", "PGREQUIREPEER")


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A Postgres whose files are in `folder`; `binaries` holds `initdb`, `pg_ctl` and `postgres`."""

    folder: Path
    binaries: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def sockets(self) -> Path:
        """Below the project, or in the temporary folder where libpq could not take the path.

        It may be too long for a socket, and a comma parts two hosts.
        """
        path = os.fsencode(self.folder)
        if len(path) <= _MAX_SOCKET_FOLDER and b"," not in path:
            return self.folder
        return Path(tempfile.gettempdir()) / f"notifydb-{hashlib.sha256(path).hexdigest()[:16]}"

    def url(self, database: str = DATABASE) -> str:
        """Leads here whatever PG* variables are set; those it cannot outdo, it drops from the environment."""
        for variable in _DROPPED:
            os.environ.pop(variable, None)
        outdone = dict(values for variable, values in _OUTDONE.items() if variable in os.environ)
        query = urlencode({"host": self.sockets, "port": PORT, **outdone}, safe="/", quote_via=quote)
        return f"postgresql+psycopg://{SUPERUSER}@/{quote(database)}?{query}"

    def is_running(self) -> bool:
        """Asks the server, because `postmaster.pid` outlives a crash."""
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def start(self) -> bool:
        """Starts the server if it does not run, with its database; returns whether it had to.

        A second command at the same moment waits and finds it running. Raises ShadowUnavailable when it
        does not come up, with the end of its log.
        """
        if self.is_running():
            return False
        with self._locked():
            return self._start()

    def stop(self) -> bool:
        """Stops the server; returns whether it ran. Raises ShadowUnavailable when it does not go down."""
        if not self.data.is_dir():
            return False
        with self._locked():
            return self._stop()

    def reset(self, permit: Permit) -> None:
        """Drops all databases of the server, by starting over from an empty folder."""
        permit.require(Operation.RESET, DATABASE)
        # One lock for all: a command that comes in between would start what is being removed.
        with self._locked():
            self._stop()
            shutil.rmtree(self.data, ignore_errors=True)
            self._start()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One command at a time, in a folder of our own; the kernel frees the lock of a killed one."""
        self._refuse_foreign_files()
        for folder in (self.folder.parent, self.folder):
            # A folder that was there may be the project's root: its .gitignore is not ours.
            with suppress(FileExistsError):
                folder.mkdir(parents=True)
                (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            (self.folder / _MARKER).touch()
            yield

    def _refuse_foreign_files(self) -> None:
        """Whatever is in a folder without the marker, even a cluster, is somebody else's."""
        if not self.folder.is_dir():
            return
        names = {path.name for path in self.folder.iterdir()}
        # In this order: another command may be setting the marker just now, and it does that first.
        if names - _BEFORE_MARKER and not (self.folder / _MARKER).exists():
            raise errors.ShadowUnavailable(
                f"{self.folder} holds files that notifydb did not make, and it would clear them",
                hint="name another folder with NOTIFYDB_DATA_DIR, or if an older notifydb made them:"
                f" touch {shlex.quote(str(self.folder / _MARKER))}",
            )

    def _start(self) -> bool:
        if self.is_running():
            return False
        self._prepare()
        self._launch()
        self._create_database()
        return True

    def _stop(self) -> bool:
        if not (self.data / "postmaster.pid").exists() and not self.is_running():
            return False
        done = self._run("pg_ctl", "stop", "-D", "data", "-m", "fast", "-t", str(_START_TIMEOUT))
        if done.returncode and self.is_running():
            # Its pid file is damaged; the socket's lock file names it, too.
            self._interrupt(cluster.pid_in(self._socket_lock))
            if self.is_running():
                raise errors.ShadowUnavailable(
                    f"the embedded Postgres does not stop: {_one_line(done.stdout)}"
                )
        self._remove_socket_folder()
        return True

    def _remove_socket_folder(self) -> None:
        if self.sockets != self.folder:
            with suppress(OSError):
                self.sockets.rmdir()

    @property
    def _socket_lock(self) -> Path:
        return self.sockets / f"{_SOCKET}.lock"

    def _prepare(self) -> None:
        """Makes folders and cluster, as far as they are not there."""
        self.sockets.mkdir(parents=True, exist_ok=True)
        if (user := cluster.server_user(self.data)) is not None:
            for folder in (self.folder, self.sockets):
                os.chown(folder, user.pw_uid, user.pw_gid)
        self._check_version()
        if not (self.data / "PG_VERSION").is_file():
            self._initdb()
        self._forget_crash()

    def _check_version(self) -> None:
        with suppress(FileNotFoundError):
            cluster = int((self.data / "PG_VERSION").read_text())
            if cluster != (program := major_version(self.binaries)):
                raise errors.ShadowUnavailable(
                    f"the embedded database was made by PostgreSQL {cluster}, but this is {program}",
                    hint=f"move {self.data} away, or name a PostgreSQL {cluster} with NOTIFYDB_POSTGRES_BIN",
                )

    def _initdb(self) -> None:
        # In a folder of ours, a cluster without PG_VERSION is what a killed initdb leaves: no database yet.
        shutil.rmtree(self.data, ignore_errors=True)
        made = self._run(
            "initdb", "-D", "data", "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-sync",
            "--locale=C.UTF-8" if major_version(self.binaries) < 17 else "--locale-provider=builtin",
            *([] if major_version(self.binaries) < 17 else ["--locale=C.UTF-8"]),
        )  # fmt: skip
        if made.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise errors.ShadowUnavailable(f"initdb failed: {made.stdout}")

    def _forget_crash(self) -> None:
        """Removes lock files of a killed server whose pid is no Postgres any more.

        Postgres trusts any live pid in them: a reused one, or a zombie's where nobody reaps.
        """
        for lock in (self.data / "postmaster.pid", self._socket_lock):
            pid = cluster.pid_in(lock)
            if pid is not None and cluster.is_postgres(pid):
                self._stop_stray(pid)
            elif lock.exists():
                self._wait_for_orphans()
                lock.unlink(missing_ok=True)

    def _wait_for_orphans(self) -> None:
        """A killed server's children still write until they notice; removing its lock is safe after them."""
        deadline = time.monotonic() + _START_TIMEOUT / 4
        while any(cluster.working_in(self.data)):
            if time.monotonic() > deadline:
                raise errors.ShadowUnavailable(
                    "processes of a killed server still use the embedded database",
                    hint=f"end them: {', '.join(map(str, cluster.working_in(self.data)))}",
                )
            time.sleep(0.1)

    def _stop_stray(self, pid: int) -> None:
        """A live server that does not answer: starting up, shutting down, or its socket was removed."""
        deadline = time.monotonic() + _START_TIMEOUT / 4
        while time.monotonic() < deadline and cluster.is_postgres(pid):
            if self.is_running():
                return
            time.sleep(0.2)
        self._interrupt(pid)

    def _interrupt(self, pid: int | None) -> None:
        """Has the server shut down fast, without pg_ctl."""
        if pid is None or not cluster.is_postgres(pid):
            return
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + _START_TIMEOUT / 4
        while time.monotonic() < deadline and cluster.is_postgres(pid):
            time.sleep(0.1)

    def _launch(self) -> None:
        if self.is_running():
            return
        # pg_ctl hands its arguments to a shell, unquoted or half quoted: paths of the project are relative.
        # Postgres takes the socket's folder from the cluster's, where it works.
        sockets = ".." if self.sockets == self.folder else str(self.sockets)
        settings = {**_SETTINGS, "unix_socket_directories": sockets}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in settings.items())
        started = self._run(
            "pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-t", str(_START_TIMEOUT), "-o", options
        )
        if started.returncode or not self.is_running():
            raise errors.ShadowUnavailable(
                f"the embedded Postgres does not start: {self._last_words()} ({_one_line(started.stdout)})",
                hint=f"its log is {self.log}",
            )

    def _last_words(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return "it left no log"
        fatal = [line for line in lines if "FATAL" in line or "PANIC" in line]
        return (fatal or lines or ["its log is empty"])[-1]

    def _create_database(self) -> None:
        with self._connect("postgres") as conn, suppress(psycopg.errors.DuplicateDatabase):
            conn.execute(f"CREATE DATABASE {DATABASE}")

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        url = self.url(database).replace("+psycopg", "", 1)
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return cluster.run(self.binaries / program, *arguments, data=self.data)


def _one_line(said: str) -> str:
    return "; ".join(line.strip() for line in said.splitlines())
