"""In what models and history differ on the main branch: asked of its own code, in a process of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.console import Console
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.shadow.database import Shadows


@dataclasses.dataclass(frozen=True, slots=True)
class OnMain:
    """The differences that the main branch has, in words; where they are not known, `unknown` says why."""

    ref: str = ""
    descriptions: frozenset[str] = frozenset()
    unknown: str | None = None


class Question:
    """A comparison that runs beside our own."""

    def __init__(self, ref: str, process: subprocess.Popen[str]) -> None:
        self.ref = ref
        self.process = process

    def answer(self) -> OnMain:
        """Waits for it."""
        out, err = self.process.communicate()
        if self.process.returncode:
            said = [line for line in err.splitlines() if line.startswith("error: ")] or err.splitlines()[-1:]
            return OnMain(self.ref, unknown=said[0].removeprefix("error: ") if said else "it failed")
        return OnMain(self.ref, frozenset(json.loads(out)))


@contextmanager
def asked(deps: Deps, shadows: Shadows) -> Iterator[Question | OnMain]:
    """Begins to compare what the main branch has; an OnMain where there is nothing to ask."""
    from notifydb.numbering import conflict, export
    from notifydb.numbering.git import Unknown

    root = deps.loaded.root
    ref = conflict.main_branch(deps.project.versions, deps.settings.main_branch)
    if isinstance(ref, Unknown) or export.is_as_on(ref, root):
        # Nothing to compare with; or every difference is the main branch's, and somebody wants to write them.
        yield OnMain()
        return
    with tempfile.TemporaryDirectory(prefix="notifydb-main-") as name:
        there = export.export(ref, root, Path(name))
        if isinstance(there, Unknown):
            yield OnMain(ref, unknown=there.reason)
            return
        if (root / ".env").is_file():
            shutil.copy(root / ".env", there)
        process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=there, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "NOTIFYDB_SHADOW_URL": shadows.url},
        )  # fmt: skip
        try:
            yield Question(ref, process)
        finally:
            process.kill()
            process.communicate()


def _compare_here() -> None:
    """Prints the differences in the project of this folder."""
    from notifydb.cli.authoring import compared

    deps = Deps()
    comparison = compared(deps, deps.shadows())
    module = sys.modules[(deps.settings.metadata or "").partition(":")[0]]
    if not Path(module.__file__ or "").resolve().is_relative_to(Path.cwd().resolve()):
        raise errors.ConfigurationError(
            "the models are installed elsewhere, so another branch's cannot be loaded"
        )
    sys.stdout.write(json.dumps([*(each.description for each in comparison.changes), *comparison.unwritten]))


if __name__ == "__main__":
    try:
        _compare_here()
    except errors.NotifydbError as error:
        Console().error(error.message)
        sys.exit(error.exit_code)
