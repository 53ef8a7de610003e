"""What the embedded server needs of the machine: programs run as the right user, and who a process is."""

from __future__ import annotations

import os
import pwd
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from notifydb import errors

_SETPRIV = "setpriv"
#: A prefix of the command line, and arguments for subprocess.
Way = tuple[list[str], dict[str, Any]]


def run(program: Path, *arguments: str | Path, data: Path) -> subprocess.CompletedProcess[str]:
    """Runs in the folder of the cluster `data`, as its user; what the program says is all in `stdout`."""
    user = server_user(data)
    prefix, identity = ([], {}) if user is None else _way_to_run(program, data.parent, user)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # pg_ctl's server would keep our pipes open and us waiting: output goes to a file.
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        done = subprocess.run(
            [*prefix, program, *arguments],
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            cwd=data.parent, env={**environment, "LC_ALL": "C"}, check=False,
            start_new_session=True, **identity,
        )  # fmt: skip
        out.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, out.read().strip(), "")


def server_user(data: Path) -> pwd.struct_passwd | None:
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


def _way_to_run(program: Path, folder: Path, user: pwd.struct_passwd) -> Way:
    """The first way that reaches program and folder; raises ShadowUnavailable with the command that makes one."""
    for way in _ways(user):
        if _reaches(way, program, folder):
            return way
    closed = [str(place) for place in _closed((folder, program.parent))]
    raise errors.ShadowUnavailable(
        f"Postgres does not run as root, and {user.pw_name} may not pass {', '.join(closed) or folder}",
        hint=f"chmod o+x {shlex.join(closed)}" if closed else "run notifydb as another user",
    )


def _ways(user: pwd.struct_passwd) -> Iterator[Way]:
    yield [], {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    # Below a closed home, as /root is: opening it would outlast us, so this user gets root's right to pass
    # it, for these processes only. CAP_DAC_READ_SEARCH would do, but containers lack it.
    # Postgres looks for its own programs with access(2), which heeds that right only with no_setuid_fixup.
    yield (
        [
            _SETPRIV, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
            "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup",
        ],
        {},
    )  # fmt: skip


def _reaches(way: Way, program: Path, folder: Path) -> bool:
    prefix, identity = way
    look = [*prefix, "/bin/sh", "-c", 'cd "$0" && exec "$1" --version', str(folder), str(program)]
    try:
        return subprocess.run(look, capture_output=True, check=False, **identity).returncode == 0
    except OSError:
        return False


def _closed(places: tuple[Path, ...]) -> list[Path]:
    """The folders on the way to `places` that other users may not pass, outermost first."""
    folders = {folder for place in places for folder in (place, *place.parents)}
    return sorted(folder for folder in folders if not folder.stat().st_mode & stat.S_IXOTH)


def pid_in(lock: Path) -> int | None:
    """The process that a lock file of Postgres names; None where nobody can tell."""
    try:
        return int(lock.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None


def working_in(folder: Path) -> list[int]:
    """The processes whose working directory is the folder, as every Postgres process' is its cluster."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def is_postgres(pid: int) -> bool:
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
