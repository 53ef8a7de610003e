"""The embedded Postgres: one server per project, on a Unix socket, that outlives its command."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg

from notifydb import errors
from notifydb.guard import Operation, Permit
from notifydb.shadow.binaries import major_version

SUPERUSER = "postgres"
DATABASE = "notifydb"
#: `sockaddr_un` holds 108 bytes on Linux, 104 elsewhere, and the file is named `.s.PGSQL.5432`.
_MAX_SOCKET_FOLDER = 104 - len("/.s.PGSQL.5432") - 1
_START_TIMEOUT = 60
# A development server: losing the last moments in a power cut is fine, waiting for the disk is not.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "100",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


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
        """Below the project, or in the temporary folder where the path would be too long for a socket."""
        if len(os.fsencode(self.folder)) <= _MAX_SOCKET_FOLDER:
            return self.folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"notifydb-{digest}"

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql+psycopg://{SUPERUSER}@/{quote(database)}?host={quote(str(self.sockets))}"

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
            if self.is_running():
                return False
            self._prepare()
            self._launch()
            self._create_database()
        return True

    def stop(self) -> bool:
        """Stops the server; returns whether it ran. Raises ShadowUnavailable when it does not go down."""
        if not self.data.is_dir():
            return False
        with self._locked():
            if not (self.data / "postmaster.pid").exists():
                return False
            done = self._run("pg_ctl", "stop", "-D", self.data, "-m", "fast", "-t", str(_START_TIMEOUT))
            if done.returncode and self.is_running():
                raise errors.ShadowUnavailable(f"the embedded Postgres does not stop: {done.stderr.strip()}")
            return True

    def reset(self, permit: Permit) -> None:
        """Drops all databases of the server, by starting over from an empty folder."""
        permit.require(Operation.RESET, DATABASE)
        self.stop()
        with self._locked():
            shutil.rmtree(self.data, ignore_errors=True)
        self.start()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One command at a time; the kernel frees the lock of a killed one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        with (self.folder / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _prepare(self) -> None:
        """Makes folders and cluster, as far as they are not there."""
        for folder in (self.folder, self.sockets):
            folder.mkdir(parents=True, exist_ok=True)
        if (user := _server_user(self.data)) is not None:
            _let_pass(self.folder, self.binaries)
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
        # A folder without PG_VERSION is what a killed initdb leaves: nothing in it is a database yet.
        shutil.rmtree(self.data, ignore_errors=True)
        made = self._run(
            "initdb", "-D", self.data, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-sync",
            "--locale=C.UTF-8" if major_version(self.binaries) < 17 else "--locale-provider=builtin",
            *([] if major_version(self.binaries) < 17 else ["--locale=C.UTF-8"]),
        )  # fmt: skip
        if made.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise errors.ShadowUnavailable(f"initdb failed: {made.stderr.strip() or made.stdout.strip()}")

    def _forget_crash(self) -> None:
        """Removes lock files of a killed server whose pid is no Postgres any more.

        Postgres trusts any live pid in them: a reused one, or a zombie's where nobody reaps.
        """
        for lock in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            pid = _pid_in(lock)
            if pid is not None and _is_postgres(pid):
                self._stop_stray(pid)
            elif lock.exists():
                self._wait_for_orphans()
                lock.unlink(missing_ok=True)

    def _wait_for_orphans(self) -> None:
        """A killed server's children still write until they notice; removing its lock is safe after them."""
        deadline = time.monotonic() + _START_TIMEOUT / 4
        while any(_working_in(self.data)):
            if time.monotonic() > deadline:
                raise errors.ShadowUnavailable(
                    "processes of a killed server still use the embedded database",
                    hint=f"end them: {', '.join(map(str, _working_in(self.data)))}",
                )
            time.sleep(0.1)

    def _stop_stray(self, pid: int) -> None:
        """A live server that does not answer: starting up, shutting down, or its socket was removed."""
        deadline = time.monotonic() + _START_TIMEOUT / 4
        while time.monotonic() < deadline and _is_postgres(pid):
            if self.is_running():
                return
            time.sleep(0.2)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        while time.monotonic() < deadline + _START_TIMEOUT / 4 and _is_postgres(pid):
            time.sleep(0.1)

    def _launch(self) -> None:
        if self.is_running():
            return
        options = " ".join(f"-c {name}='{value}'" for name, value in _SETTINGS.items())
        started = self._run(
            "pg_ctl", "start", "-D", self.data, "-l", self.log, "-w", "-t", str(_START_TIMEOUT),
            "-o", f"{options} -k '{self.sockets}'",
        )  # fmt: skip
        if started.returncode or not self.is_running():
            raise errors.ShadowUnavailable(
                f"the embedded Postgres does not start: {self._last_words()}", hint=f"its log is {self.log}"
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
        return psycopg.connect(
            host=str(self.sockets), user=SUPERUSER, dbname=database, autocommit=True, connect_timeout=5
        )

    def _run(self, program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        user = _server_user(self.data)
        identity = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        # pg_ctl's server would keep our pipes open and us waiting: output goes to a file.
        with tempfile.TemporaryFile("w+") as out:
            done = subprocess.run(
                [self.binaries / program, *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                cwd=self.folder, env={**environment, "LC_ALL": "C"}, check=False,
                start_new_session=True, **identity,
            )  # type: ignore[call-overload]  # fmt: skip
            out.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, "", out.read())


def _server_user(data: Path) -> pwd.struct_passwd | None:
    """Postgres refuses to run as root: then the files' owner runs it, at first `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    with suppress(FileNotFoundError, KeyError):
        owner = data.stat().st_uid
        if owner != 0:
            return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _let_pass(*folders: Path) -> None:
    """As root: lets another user pass (not list) the folders on the way to the cluster and its programs."""
    for folder in {parent for leaf in folders for parent in (leaf, *leaf.parents)}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _pid_in(lock: Path) -> int | None:
    try:
        return int(lock.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def _working_in(folder: Path) -> list[int]:
    """The processes whose working directory is the folder, as every Postgres process' is its cluster."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def _is_postgres(pid: int) -> bool:
    """Whether the process is a Postgres server; a reused pid is somebody else's."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        command = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, check=False
        ).stdout
    return b"postgres" in command.split(b"\0")[0]
