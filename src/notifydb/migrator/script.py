"""Opens the migrations folder for running: every migration is imported, as it is on the disk now."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path

from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from notifydb import errors
from notifydb.migrator.config import Project, alembic_config
from notifydb.migrator.frames import reason, where
from notifydb.settings.url import redact

#: Python trusts bytecode by the source's size and whole second; what was edited within it may be another text.
_RACY_SECONDS = 2


def open_script(project: Project) -> ScriptDirectory:
    """The folder with all migrations imported, inside of `entered(project)`.

    Raises ConfigurationError for one that cannot be imported, HistoryError where they make no graph.
    """
    _drop_racy_bytecode(project.versions)
    script = ScriptDirectory.from_config(alembic_config(project))
    try:
        script.get_heads()
    except CommandError as error:
        raise errors.HistoryError(str(error)) from error
    except Exception as error:
        raise errors.ConfigurationError(
            f"the migrations cannot be imported{where(project.script_location, error)}: {redact(reason(error))}",
            hint="do they need the application or its environment? see NOTIFYDB_BOOTSTRAP",
        ) from error
    return script


def _drop_racy_bytecode(versions: Path) -> None:
    for source in versions.glob("*.py"):
        cached = Path(importlib.util.cache_from_source(str(source)))
        # What cannot be removed cannot have been written by this user either.
        with contextlib.suppress(OSError):
            if cached.stat().st_mtime - source.stat().st_mtime < _RACY_SECONDS:
                cached.unlink()
