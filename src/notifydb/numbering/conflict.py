"""What git knows of the migrations; where it does not know, that is an answer and not an error."""

from __future__ import annotations

import dataclasses
import enum
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from notifydb.errors import HistoryError
from notifydb.numbering.git import Unknown as Unknown
from notifydb.numbering.git import run as _git
from notifydb.revisions.graph import Revision
from notifydb.revisions.reader import is_migration, parse_revision

MAIN_BRANCHES: Final = ("origin/main", "main", "origin/master", "master")
_SHA1_DIGITS: Final = 40


@dataclasses.dataclass(frozen=True, slots=True)
class OnRef:
    """The revisions that a branch, tag or commit has in the versions folder; their paths are as if here."""

    ref: str
    revisions: tuple[Revision, ...]

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(each.id for each in self.revisions)

    @property
    def files(self) -> frozenset[str]:
        """Their file names."""
        return frozenset(each.path.name for each in self.revisions)


class Operation(enum.StrEnum):
    """What git is in the middle of."""

    REBASE = "rebase"
    CHERRY_PICK = "cherry-pick"
    REVERT = "revert"
    MERGE = "merge"


_MARKS: Final = (
    ("rebase-merge", Operation.REBASE),
    ("rebase-apply", Operation.REBASE),
    ("CHERRY_PICK_HEAD", Operation.CHERRY_PICK),
    ("REVERT_HEAD", Operation.REVERT),
    ("MERGE_HEAD", Operation.MERGE),
)


def main_branch(versions: Path, configured: str | None = None) -> str | Unknown:
    """The ref of the main branch: the configured one or nothing, else the first usual one that exists."""
    candidates = (configured,) if configured else MAIN_BRANCHES
    asked = "".join(f"{ref}^{{commit}}\n" for ref in candidates)
    answer = _git(versions, "cat-file", "--batch-check", stdin=asked.encode())
    if isinstance(answer, bytes):
        for ref, line in zip(candidates, answer.splitlines(), strict=False):
            if b" commit " in line:
                return ref
    return _why_no(" or ".join(candidates), versions)


def revisions_on(ref: str, versions: Path) -> OnRef | Unknown:
    """The revisions that `ref` has in this folder, empty if it has no such folder."""
    listed = _git(versions, "ls-tree", "-z", "--end-of-options", f"{ref}^{{commit}}")
    if isinstance(listed, Unknown):
        commit = _commit(ref, versions)
        return commit if isinstance(commit, Unknown) else listed
    blobs = list(_migration_blobs(listed))
    try:
        contents = _contents(versions, blobs)
        if isinstance(contents, Unknown):
            return contents
        found = [parse_revision(contents[blob], versions / name) for blob, name in blobs]
    except (HistoryError, ValueError) as error:
        return Unknown(f"{ref} has a file that cannot be read: {error}")
    return OnRef(ref, tuple(each for each in found if each is not None))


def in_progress(versions: Path) -> Operation | Unknown | None:
    """The merge, rebase, cherry-pick or revert that waits for somebody to finish it."""
    options = [option for mark, _ in _MARKS for option in ("--git-path", mark)]
    answer = _git(versions, "rev-parse", *options)
    if isinstance(answer, Unknown):
        return answer
    paths = zip(answer.decode(errors="surrogateescape").splitlines(), _MARKS, strict=True)
    return next((operation for path, (_, operation) in paths if (versions / path).exists()), None)


def current_branch(versions: Path) -> str | None:
    """The branch that is checked out, None for a commit without one, or if git does not know."""
    answer = _git(versions, "symbolic-ref", "--short", "--quiet", "HEAD")
    return None if isinstance(answer, Unknown) else answer.decode(errors="surrogateescape").strip()


def added_twice(versions: Path) -> frozenset[str]:
    """The names of files in conflict that have no common ancestor; empty if git does not know."""
    answer = _git(versions, "ls-files", "--unmerged", "-z", "--", ".")
    if isinstance(answer, Unknown):
        return frozenset()
    entries = [entry.partition("\t") for entry in _names(answer)]
    names = {name for _, _, name in entries}
    return frozenset(names - {name for head, _, name in entries if head.endswith(" 1")})


def edited_files(versions: Path) -> frozenset[str] | Unknown:
    """The names of committed files in the folder whose content is not what was last committed.

    In the middle of a merge and the like it is what git made that counts; what it could not make is no edit.
    """
    # Outside of a repository git diff compares any two files.
    commit = _commit("HEAD", versions)
    if isinstance(commit, Unknown):
        return commit
    conflicted = unmerged(versions)
    if isinstance(conflicted, Unknown):
        return conflicted
    against = () if in_progress(versions) else (commit,)
    options = ("--name-only", "-z", "--relative", "--no-renames", "--diff-filter=MT")
    answer = _git(versions, "diff", *options, *against, "--", ".")
    return answer if isinstance(answer, Unknown) else _names(answer) - conflicted


def others_on(ref: str, versions: Path) -> dict[str, bytes] | Unknown:
    """The files of the folder whose content is another on `ref`, by name, with that content."""
    options = ("--name-only", "-z", "--relative", "--no-renames", "--diff-filter=MT")
    answer = _git(versions, "diff", *options, "--end-of-options", f"{ref}^{{commit}}", "--", ".")
    if isinstance(answer, Unknown):
        return answer
    found = {name: _git(versions, "cat-file", "blob", f"{ref}:./{name}") for name in sorted(_names(answer))}
    return {name: content for name, content in found.items() if isinstance(content, bytes)}


def unmerged(folder: Path) -> frozenset[str] | Unknown:
    """The paths below `folder`, relative to it, that git has in conflict."""
    answer = _git(folder, "diff", "--name-only", "-z", "--relative", "--diff-filter=U", "--", ".")
    return answer if isinstance(answer, Unknown) else _names(answer)


def unresolved(folder: Path) -> tuple[str, ...]:
    """The paths from the repository's root that git has in conflict; empty if git does not know."""
    answer = _git(folder, "diff", "--name-only", "-z", "--diff-filter=U")
    return () if isinstance(answer, Unknown) else tuple(sorted(_names(answer)))


def _names(answer: bytes) -> frozenset[str]:
    return frozenset(name for name in answer.decode(errors="surrogateescape").split("\0") if name)


def _commit(ref: str, versions: Path) -> str | Unknown:
    answer = _git(versions, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    return _why_no(ref, versions) if isinstance(answer, Unknown) else answer.decode().strip()


def _why_no(ref: str, versions: Path) -> Unknown:
    shallow = _git(versions, "rev-parse", "--is-shallow-repository")
    if isinstance(shallow, Unknown):
        return shallow
    missing = "; the clone is shallow, so it may only be missing here" if shallow == b"true\n" else ""
    return Unknown(f"there is no {ref}{missing}")


def _migration_blobs(listed: bytes) -> Iterator[tuple[str, str]]:
    for entry in listed.split(b"\0"):
        head, _, name = entry.decode(errors="surrogateescape").partition("\t")
        if " blob " in head and is_migration(Path(name)):
            yield head.split(" ")[2], name


def _contents(versions: Path, blobs: list[tuple[str, str]]) -> dict[str, bytes] | Unknown:
    """The content of each blob: of the folder's file where that is the same, as most are, else from git."""
    found = {blob: here for blob, name in blobs if (here := _if_it_is(blob, versions / name)) is not None}
    missing = [blob for blob, _ in blobs if blob not in found]
    if not missing:
        return found
    answer = _git(versions, "cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in missing).encode())
    if isinstance(answer, Unknown):
        return answer
    return found | dict(zip(missing, _split(answer, len(missing)), strict=True))


def _if_it_is(blob: str, path: Path) -> bytes | None:
    """What the file holds, if git would give it this name."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    algorithm = "sha1" if len(blob) == _SHA1_DIGITS else "sha256"
    named = hashlib.new(algorithm, b"blob %d\0%b" % (len(content), content), usedforsecurity=False)
    return content if named.hexdigest() == blob else None


def _split(contents: bytes, count: int) -> Iterator[bytes]:
    """The contents in the answer of `cat-file --batch`; ValueError for an object that is not there."""
    position = 0
    for _ in range(count):
        end = contents.index(b"\n", position)
        size = int(contents[position:end].split(b" ")[-1])
        yield contents[end + 1 : end + 1 + size]
        position = end + size + 2
