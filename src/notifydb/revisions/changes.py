"""Changing several files of the versions folder: planned as a value, done all or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import importlib.util
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from notifydb.errors import HistoryError, InternalError, UsageError
from notifydb.revisions import diffing

JOURNAL: Final = ".notifydb-changes.json"
_STAGED: Final = ".notifydb-new"


@dataclasses.dataclass(frozen=True, slots=True)
class FileChange:
    """One file before and after; `old` is None for a new file, `new` for one that goes.

    `mode` are the permission bits of `new`; None leaves them to the umask.
    """

    old: Path | None
    new: Path | None
    before: bytes | None
    after: bytes | None
    mode: int | None = None

    @classmethod
    def of(cls, old: Path | None, new: Path | None, after: bytes | None = None) -> FileChange:
        """The change from what `old` holds now; `after` defaults to the same bytes in `new`."""
        if old is None:
            return cls(None, new, None, after)
        before, mode = old.read_bytes(), old.stat().st_mode & 0o7777
        if new is None:
            return cls(old, None, before, None, mode)
        return cls(old, new, before, before if after is None else after, mode)


@dataclasses.dataclass(frozen=True, slots=True)
class FileChanges:
    """A plan for the folder `versions` and files beside it; as text, its diff from the folder above."""

    versions: Path
    changes: tuple[FileChange, ...] = ()

    def __bool__(self) -> bool:
        return any(each.old != each.new or each.before != each.after for each in self.changes)

    def __str__(self) -> str:
        return self.diff(self.versions.parent)

    def diff(self, root: Path) -> str:
        """What `git apply` takes in `root`."""
        return "".join(
            diffing.file_diff(each.old, each.new, each.before, each.after, root=root, mode=each.mode)
            for each in self.changes
        )

    def undone(self) -> FileChanges:
        """The changes that take these back."""
        return FileChanges(
            self.versions,
            tuple(
                FileChange(each.new, each.old, each.after, each.before, each.mode) for each in self.changes
            ),
        )


def apply(changes: FileChanges) -> None:
    """Make `changes`, or leave every file as it is; a killed run is finished by the next one.

    Raises UsageError, with nothing changed, if the folder cannot be written, a file is no longer what the
    plan saw, a target exists, or another notifydb is at work in the folder.
    """
    if not changes:
        return
    with _locked(changes.versions):
        _finish_or_discard(changes.versions)
        _check(changes)
        _stage_all(changes)
        _sync_folder(changes.versions)
        try:
            _finish(changes.versions)
        except BaseException:
            # The journal stands, so forward is the only way, for an interrupt too; finishing is idempotent.
            _finish(changes.versions)
            raise


def recover(versions: Path) -> bool:
    """Finish, or if it had not been decided throw away, what a killed run left; False if it left nothing.

    Raises HistoryError if somebody has edited the files since, UsageError if the folder is in use.
    """
    if not _is_left(versions):
        return False
    with _locked(versions):
        _finish_or_discard(versions)
    return True


def replace_file(path: Path, content: bytes) -> None:
    """Write one file so that it holds the old or the new content, whenever the machine stops."""
    mode = path.stat().st_mode & 0o7777 if path.exists() else None
    staged = _staged(path)
    staged.unlink(missing_ok=True)
    _write_synced(staged, content, mode, like=path)
    staged.replace(path)
    _sync_folder(path.parent)


@contextlib.contextmanager
def _locked(versions: Path) -> Iterator[None]:
    # The kernel lets go of the lock with the process, so a killed run leaves none behind.
    try:
        descriptor = os.open(versions, os.O_RDONLY)
    except OSError as error:
        raise UsageError(f"{versions} cannot be opened ({error.strerror})", hint="notifydb doctor") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another notifydb is changing {versions}", hint="wait for it, and run this again"
            ) from error
        except OSError:
            # Some network file systems have no locks for folders.
            pass
        yield
    finally:
        os.close(descriptor)


def _check(changes: FileChanges) -> None:
    before = {each.old: each.before for each in changes.changes if each.old}
    targets = [each.new for each in changes.changes if each.new]
    if len(set(targets)) < len(targets) or len(before) < sum(1 for each in changes.changes if each.old):
        raise InternalError(f"two changes of one file: {', '.join(map(str, targets))}")
    for path in {*before, *targets}:
        if path.parent not in (changes.versions, changes.versions.parent):
            raise InternalError(f"{path} is not in {changes.versions}")
    for path, content in before.items():
        if path.is_symlink() or _content(path) != content:
            raise UsageError(f"{path} is not the file that the plan saw", hint="run the command again")
    for path in targets:
        if path not in before and os.path.lexists(path):
            raise UsageError(f"{path} is in the way", hint=f"rename or remove {path.name}")


def _stage_all(changes: FileChanges) -> None:
    """Write everything beside its place; from the moment the journal has its name, it is going to happen."""
    journal = changes.versions / JOURNAL
    staged = [(each, _staged(each.new)) for each in changes.changes if each.new]
    try:
        for change, temporary in staged:
            _write_synced(temporary, change.after or b"", change.mode, like=change.old)
        for folder in sorted({temporary.parent for _, temporary in staged}):
            _sync_folder(folder)
        _write_synced(_staged(journal), _journal(changes), None, like=None)
        _staged(journal).replace(journal)
    except BaseException as error:
        if journal.exists():
            raise
        for path in (*(temporary for _, temporary in staged), _staged(journal)):
            with contextlib.suppress(OSError):
                path.unlink()
        if isinstance(error, OSError):
            raise UsageError(
                f"{changes.versions} cannot be written ({error.strerror}); nothing was changed",
                hint=f"look at the permissions of {changes.versions} and at the space left",
            ) from error
        raise


def _journal(changes: FileChanges) -> bytes:
    before = {each.old: each.before for each in changes.changes if each.old}
    targets = {each.new: each.after for each in changes.changes if each.new}
    entries = [
        {
            "path": os.path.relpath(path, changes.versions),
            "before": _digest(before.get(path)),
            "after": _digest(targets.get(path)),
        }
        for path in {**targets, **before}
    ]
    return json.dumps({"version": 1, "files": entries}, indent=1).encode()


def _is_left(versions: Path) -> bool:
    return (versions / JOURNAL).exists() or any(True for _ in _strays(versions))


def _strays(versions: Path) -> Iterator[Path]:
    for folder in (versions, versions.parent):
        yield from folder.glob(f".*{_STAGED}")


def _finish_or_discard(versions: Path) -> None:
    if (versions / JOURNAL).exists():
        _finish(versions)
    for stray in list(_strays(versions)):
        stray.unlink(missing_ok=True)


def _finish(versions: Path) -> None:
    journal = versions / JOURNAL
    if not journal.exists():
        return
    entries = [_Entry.of(versions, each) for each in _entries(journal)]
    if edited := [entry.path.name for entry in entries if not entry.is_expected()]:
        raise HistoryError(
            f"a change of {versions} was cut short, and since then somebody edited {', '.join(edited)}",
            hint=f"put that file aside and run this again, or give the change up: "
            f"rm {versions}/.*{_STAGED} {journal} && git checkout {versions}",
        )
    for entry in entries:
        entry.finish()
    for folder in sorted({entry.path.parent for entry in entries}):
        _sync_folder(folder)
    _drop_bytecode(entry.path for entry in entries)
    journal.unlink()
    _sync_folder(versions)


def _entries(journal: Path) -> list[dict[str, Any]]:
    try:
        content = json.loads(journal.read_bytes())
        known = content["version"] == 1
        files: list[dict[str, Any]] = content["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise HistoryError(f"{journal} cannot be read", hint=f"git status {journal.parent}") from error
    if not known:
        raise HistoryError(f"{journal} was written by another notifydb", hint="finish with that version")
    return files


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """What the journal says of one path: the digests of what it held, and of what it is to hold."""

    path: Path
    before: str | None
    after: str | None

    @classmethod
    def of(cls, versions: Path, entry: dict[str, Any]) -> _Entry:
        return cls(Path(os.path.normpath(versions / entry["path"])), entry["before"], entry["after"])

    def is_expected(self) -> bool:
        now = _digest(_content(self.path))
        if self.after is None:
            return now in (None, self.before)
        if (waiting := _digest(_content(_staged(self.path)))) is None:
            # It is in its place; an edit of what is there since then is the editor's business.
            return now == self.after or now not in (None, self.before)
        return waiting == self.after and now in (None, self.before, self.after)

    def finish(self) -> None:
        if self.after is None:
            self.path.unlink(missing_ok=True)
        elif _staged(self.path).exists():
            _staged(self.path).replace(self.path)


def _drop_bytecode(sources: Iterable[Path]) -> None:
    # Python trusts a .pyc by the second and the size of its source, and an id often keeps its length.
    stems: dict[Path, set[str]] = {}
    for path in sources:
        if path.suffix == ".py":
            cache = Path(importlib.util.cache_from_source(str(path))).parent
            stems.setdefault(cache, set()).add(path.stem)
    for cache, names in stems.items():
        for compiled in list(cache.glob("*.pyc")):
            parts = compiled.name.split(".")
            if any(".".join(parts[:end]) in names for end in range(1, len(parts))):
                compiled.unlink(missing_ok=True)


def _staged(path: Path) -> Path:
    return path.with_name(f".{path.name}{_STAGED}")


def _write_synced(path: Path, content: bytes, mode: int | None, like: Path | None) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        if like is not None and like.exists():
            # In a container root writes for somebody else; elsewhere this is not allowed, nor needed.
            with contextlib.suppress(OSError):
                os.fchown(descriptor, like.stat().st_uid, like.stat().st_gid)
        if mode is not None:
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _digest(content: bytes | None) -> str | None:
    # Loading OpenSSL takes a reading command longer than the question whether there is a journal.
    import hashlib

    return None if content is None else hashlib.sha256(content).hexdigest()
