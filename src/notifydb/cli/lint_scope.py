"""What `notifydb lint` judges: migrations by name, range, folder or branch, and plain SQL."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from notifydb.lint.script import Script

_STDIN = "-"


@dataclasses.dataclass(frozen=True, slots=True)
class Scope:
    """Full ids of migrations, and scripts."""

    revisions: tuple[str, ...]
    scripts: tuple[Script, ...] = ()


def chosen(deps: Deps, names: list[str], since: str | None, *, all_: bool) -> Scope:
    """What was asked for; without any names, the migrations that `since` or the main branch does not have."""
    if names and (all_ or since):
        raise errors.UsageError("names, --since and --all exclude each other")
    if all_:
        return Scope(tuple(deps.history.revisions))
    if names:
        scripts = [name for name in names if _is_script(name)]
        files = {each.path.resolve(): each.id for each in deps.history.ordered()} if names != scripts else {}
        migrations = [each for name in names if name not in scripts for each in _named(deps, name, files)]
        return Scope(
            tuple(dict.fromkeys(migrations)),
            tuple(script for name in dict.fromkeys(scripts) for script in _scripts(deps, name)),
        )
    old = on_ref(deps, since)
    return Scope(tuple(each for each in deps.history.revisions if each not in old))


def _is_script(name: str) -> bool:
    return name == _STDIN or Path(name).suffix.lower() == ".sql"


def _scripts(deps: Deps, name: str) -> tuple[Script, ...]:
    from notifydb.lint.script import read_scripts

    try:
        content = sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise errors.UsageError(f"{name} cannot be read: {error.strerror}") from None
    except ValueError:
        raise errors.UsageError(f"{name} cannot be read: it is not UTF-8") from None
    path = Path("<stdin>") if name == _STDIN else Path(name)
    return read_scripts(path, text, single_transaction=deps.settings.lint.single_transaction)


def _named(deps: Deps, name: str, files: dict[Path, str]) -> Iterator[str]:
    """The ids of a revision, a range of them, a migration's file, or a folder of such files."""
    path = Path(name).resolve()
    if path.is_dir():
        yield from _below(path, files, name)
    elif path in files:
        yield files[path]
    elif ":" in name and not path.exists():
        yield from _between(deps, *name.split(":", 1))
    elif not _is_helper(deps, path, files):
        revision = deps.history.get(name)
        yield from [revision.id] if revision else []


def _below(folder: Path, files: dict[Path, str], name: str) -> list[str]:
    found = [identifier for path, identifier in files.items() if path.is_relative_to(folder)]
    if not found:
        raise errors.UsageError(f"there is no migration in {name}", hint="name files of SQL one by one")
    return found


def _between(deps: Deps, lower: str, upper: str) -> list[str]:
    """`A:B` is what Alembic runs for it: after A, up to B; without A from the beginning, without B to the head."""
    history = deps.history
    first, last = history.get(lower or "base"), history.get(upper or "head")
    if last is None:
        return []
    return [each.id for each in history.between(first.id if first else None, last.id)]


def _is_helper(deps: Deps, path: Path, migrations: Container[Path]) -> bool:
    """Whether a file of the versions folder holds no migration: a hook passes on all that has changed."""
    helper = path.parent == deps.project.versions.resolve() and path.is_file() and path not in migrations
    if helper:
        deps.console.say(f"{path.name} holds no migration", style="dim")
    return helper


def on_ref(deps: Deps, since: str | None) -> frozenset[str]:
    """The ids that a ref, by default the main branch, has already."""
    from notifydb.numbering import conflict

    versions = deps.project.versions
    ref = since or conflict.main_branch(versions, deps.settings.main_branch)
    found = conflict.revisions_on(ref, versions) if isinstance(ref, str) else ref
    if isinstance(found, conflict.Unknown):
        raise errors.UsageError(
            f"git does not know what is new: {found.reason}",
            hint="name the revisions, or a ref with --since, or give --all",
        )
    return found.ids
