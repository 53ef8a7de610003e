"""Which migrations `notifydb lint` judges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from collections.abc import Container


def chosen(deps: Deps, names: list[str], since: str | None, *, all_: bool) -> list[str]:
    """The full ids that were asked for; without any, those that `since` or the main branch does not have."""
    history = deps.history
    if all_:
        return list(history.revisions)
    if names:
        files = {each.path.resolve(): each for each in history.ordered()}
        named = [name for name in names if not _is_helper(deps, Path(name).resolve(), files)]
        found = [files.get(Path(name).resolve()) or history.get(name) for name in named]
        return list(dict.fromkeys(each.id for each in found if each is not None))
    old = on_ref(deps, since)
    return [each for each in history.revisions if each not in old]


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
