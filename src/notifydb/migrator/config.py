"""Where a project's migrations, models and application are."""

from __future__ import annotations

import configparser
import dataclasses
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from notifydb import errors

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import MetaData


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """A project's folder and the places in it; `metadata` and `bootstrap` are `module:attribute.path`."""

    root: Path
    script_location: Path
    metadata: str | None = None
    bootstrap: str | None = None

    @property
    def versions(self) -> Path:
        return self.script_location / "versions"


def find_project(
    root: Path, script_location: Path | None = None, metadata: str | None = None, bootstrap: str | None = None
) -> Project:
    """The project below `root`; without a given `script_location` it is found.

    Raises ConfigurationError when there is no folder with `versions` in it.
    """
    given = script_location or _from_ini(root)
    candidates = [given] if given else [Path("alembic"), Path("migrations")]
    for candidate in candidates:
        if (root / candidate / "versions").is_dir():
            return Project(root, root / candidate, metadata, bootstrap)
    looked = ", ".join(f"{candidate}/versions" for candidate in candidates)
    says = "alembic.ini: " if given and not script_location else ""
    raise errors.ConfigurationError(
        f"{says}there is no migrations folder: looked for {looked} in {root}",
        hint="name it with NOTIFYDB_SCRIPT_LOCATION or script_location in [tool.notifydb]",
    )


def _from_ini(root: Path) -> Path | None:
    """`script_location` of alembic.ini; read raw, because its `%(here)s` is Alembic's to interpolate."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(root / "alembic.ini", encoding="utf-8")
    except (configparser.Error, ValueError) as error:
        # The error's text quotes lines of the file, and there may be a URL in them.
        raise errors.ConfigurationError(f"alembic.ini cannot be read: {type(error).__name__}") from None
    location = parser.get("alembic", "script_location", fallback="").replace("%(here)s", ".")
    if ":" in location:
        raise errors.ConfigurationError(
            f"alembic.ini: script_location = {location} is a package's folder, which is not looked up",
            hint="set NOTIFYDB_SCRIPT_LOCATION to the folder itself",
        )
    return Path(location.replace("%%", "%")) if location else None


def alembic_config(project: Project, **options: Any) -> Config:
    """An Alembic Config that reads no file, writes nothing to stdout and configures no logging."""
    import argparse

    from alembic.config import Config

    config = Config(cmd_opts=argparse.Namespace(quiet=True), **options)
    config.set_main_option("script_location", str(project.script_location).replace("%", "%%"))
    return config


@contextmanager
def entered(project: Project) -> Iterator[None]:
    """Makes the project importable and enters its bootstrap context, as its migrations may need.

    What the application or a migration prints is talk: it goes to stderr, so that stdout stays data.
    """
    with redirect_stdout(sys.stderr), _on_path(project.root), _bootstrap(project):
        yield


def load_metadata(project: Project) -> MetaData:
    """The models' MetaData; raises ConfigurationError when it is not set or not there."""
    from sqlalchemy import MetaData

    if project.metadata is None:
        raise errors.ConfigurationError(
            "the models are not known", hint="set NOTIFYDB_METADATA, for example app.models:db.metadata"
        )
    metadata = _resolve(project.metadata, "NOTIFYDB_METADATA")
    if not isinstance(metadata, MetaData):
        raise errors.ConfigurationError(f"NOTIFYDB_METADATA={project.metadata} is not a SQLAlchemy MetaData")
    return metadata


@contextmanager
def _on_path(root: Path) -> Iterator[None]:
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _bootstrap(project: Project) -> Any:
    if project.bootstrap is None:
        return nullcontext()
    context = _resolve(project.bootstrap, "NOTIFYDB_BOOTSTRAP")()
    if not hasattr(context, "__enter__"):
        raise errors.ConfigurationError(f"NOTIFYDB_BOOTSTRAP={project.bootstrap} makes no context manager")
    return context


def _resolve(target: str, setting: str) -> Any:
    module_name, _, path = target.partition(":")
    if not path:
        raise errors.ConfigurationError(f"{setting}={target} is not of the form module:attribute.path")
    try:
        found: Any = importlib.import_module(module_name)
        for name in path.split("."):
            found = getattr(found, name)
    except Exception as error:
        # Whatever the application raises while it is imported is the application's to mend.
        raise errors.ConfigurationError(
            f"{setting}={target} cannot be loaded: {type(error).__name__}: {error}",
            hint="is the application installed in this environment, and its own settings set?",
        ) from error
    return found
