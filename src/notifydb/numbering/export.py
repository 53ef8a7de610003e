"""The project as another ref has it, in a folder of its own."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from notifydb.numbering import git
from notifydb.numbering.git import Unknown


def export(ref: str, root: Path, folder: Path) -> Path | Unknown:
    """Writes the whole tree of `ref` into `folder`, and returns where in it the project of `root` is."""
    top = git.run(root, "rev-parse", "--show-toplevel")
    if isinstance(top, Unknown):
        return top
    repository = Path(top.decode(errors="surrogateescape").rstrip("\n"))
    archive = git.run(repository, "archive", "--format=tar", ref)
    if isinstance(archive, Unknown):
        return archive
    with tarfile.open(fileobj=io.BytesIO(archive)) as tree:
        # Python has the filter since 3.11.4; git's archives hold no path that leads out of them.
        tree.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
        tree.extractall(folder)  # noqa: S202
    return folder / root.resolve().relative_to(repository.resolve())


def is_as_on(ref: str, root: Path) -> bool:
    """Whether nothing here differs from `ref`: the same commit, and no change that is not committed."""
    commits = {git.run(root, "rev-parse", "--verify", f"{each}^{{commit}}") for each in (ref, "HEAD")}
    return len(commits) == 1 and git.run(root, "status", "--porcelain") == b""
