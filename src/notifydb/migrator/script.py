"""Opens the migrations folder for running; a migration is imported as it is on the disk now."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from alembic.script import ScriptDirectory
from alembic.script.base import Script
from alembic.script.revision import RevisionError, RevisionMap
from alembic.util import load_python_file
from alembic.util.exc import CommandError

from notifydb import errors
from notifydb.migrator.config import Project
from notifydb.migrator.foreign import contained
from notifydb.migrator.frames import reason, where
from notifydb.revisions.graph import History, Revision
from notifydb.settings.url import redact

#: Python trusts bytecode by the source's size and whole second; what was edited within it may be another text.
_RACY_SECONDS = 2


def open_script(project: Project, history: History | None = None) -> ScriptDirectory:
    """The folder with all migrations imported, inside of `entered(project)`.

    With `history`, the graph is taken from there, and each migration is imported only when it is to run.
    Raises ConfigurationError for one that cannot be imported, HistoryError where they make no graph.
    """
    # Not from a Config, which has options of its own about where migrations are and what is imported.
    script = ScriptDirectory(str(project.script_location))
    if history is not None:
        try:
            scripts = [_OnDemand(each, project) for each in history.ordered()]
        except RevisionError as error:
            raise errors.HistoryError(
                f"Alembic does not take a revision id here: {error}",
                hint="write it with _ in its file and in those that stand on it, or: notifydb migrate renumber --all",
            ) from error
        script.revision_map = RevisionMap(lambda: scripts)
        return script
    for source in project.versions.glob("*.py"):
        _drop_racy_bytecode(source)
    try:
        with contained():
            script.get_heads()
    except CommandError as error:
        raise errors.HistoryError(str(error)) from error
    except Exception as error:
        raise _not_importable(project, error) from error
    return script


class _OnDemand(Script):
    """A revision as its text declares it; `module` is imported when Alembic asks for it."""

    def __init__(self, revision: Revision, project: Project) -> None:
        self._project = project
        declared: Any = SimpleNamespace(
            down_revision=revision.down_revisions,
            branch_labels=revision.branch_labels,
            depends_on=revision.depends_on,
        )
        super().__init__(cast(ModuleType, declared), revision.id, str(revision.path))
        # Now the property below is the module.
        del self.module

    @functools.cached_property
    def module(self) -> ModuleType:  # type: ignore[override]
        path = Path(self.path)
        _drop_racy_bytecode(path)
        try:
            with contained():
                return load_python_file(str(path.parent), path.name)
        except Exception as error:
            raise _not_importable(self._project, error) from error


def _not_importable(project: Project, error: Exception) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"the migrations cannot be imported{where(project.script_location, error)}: {redact(reason(error))}",
        hint="do they need the application or its environment? see NOTIFYDB_BOOTSTRAP",
    )


def _drop_racy_bytecode(source: Path) -> None:
    cached = Path(importlib.util.cache_from_source(str(source)))
    # What cannot be removed cannot have been written by this user either.
    with contextlib.suppress(OSError):
        if cached.stat().st_mtime - source.stat().st_mtime < _RACY_SECONDS:
            cached.unlink()
