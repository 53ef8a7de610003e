"""Asking git: what it answers, or why there is no answer."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from pathlib import Path
from typing import Final

_SECONDS: Final = 30
# A hook hands these down; they would point git at its own repository and index instead of the folder's.
_FOREIGN: Final = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


@dataclasses.dataclass(frozen=True, slots=True)
class Unknown:
    """Git does not know, and why."""

    reason: str


def run(folder: Path, *arguments: str, stdin: bytes = b"") -> bytes | Unknown:
    """What `git ARGUMENTS` writes to stdout, run in `folder`; Unknown with its first line of stderr."""
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env={**environment, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"},
        )
    except FileNotFoundError:
        return Unknown("there is no git")
    except (OSError, subprocess.TimeoutExpired) as error:
        return Unknown(f"git could not run: {error}")
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        return Unknown(said[0].removeprefix("fatal: ") if said else f"git {arguments[0]} failed")
    return ended.stdout
