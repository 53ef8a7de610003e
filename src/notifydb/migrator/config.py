"""Where a project's migrations, models and application are."""

from __future__ import annotations

import dataclasses
import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from notifydb import errors
from notifydb.migrator.foreign import Left, contained, named
from notifydb.migrator.ini import Option, ini_of, prepended, read_options

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import MetaData


@dataclasses.dataclass(frozen=True, slots=True)
class Project:
    """A project's folder and the places in it; `metadata` and `bootstrap` are `module:attribute.path`.

    `ini` and `toml` are the files of Alembic's that are about it, `sys_path` what they put before all else that
    is imported from.
    """

    root: Path
    script_location: Path
    metadata: str | None = None
    bootstrap: str | None = None
    ini: Path | None = None
    toml: Path | None = None
    sys_path: tuple[Path, ...] = ()

    @property
    def versions(self) -> Path:
        return self.script_location / "versions"


def find_project(
    root: Path, script_location: Path | None = None, metadata: str | None = None, bootstrap: str | None = None
) -> Project:
    """The project below `root`; without a given `script_location` it is found.

    Raises ConfigurationError when there is no folder with `versions` in it, or there are more with migrations.
    """
    named = None if script_location else read_options(root).get("script_location")
    given = _folder(named) if named else script_location
    candidates = [given] if given else [Path("alembic"), Path("migrations")]
    for candidate in candidates:
        if (root / candidate / "versions").is_dir():
            project = Project(root, root / candidate, metadata, bootstrap)
            return _with_options(project)
    looked = ", ".join(f"{candidate}/versions" for candidate in candidates)
    says = f"{named.file}: " if named and given else ""
    raise errors.ConfigurationError(
        f"{says}there is no migrations folder: looked for {looked} in {root}",
        hint="name it with NOTIFYDB_SCRIPT_LOCATION or script_location in [tool.notifydb]",
    )


def _folder(named: Option) -> Path | None:
    if ":" in named.text:
        raise errors.ConfigurationError(
            f"{named} is a package's folder, which is not looked up",
            hint="set NOTIFYDB_SCRIPT_LOCATION to the folder itself",
        )
    return Path(named.text) if named.text else None


def _with_options(project: Project) -> Project:
    """The project with what Alembic's own files say; without, where they are about another folder."""
    options = read_options(project.root, project.script_location)
    named = options.get("script_location")
    location = named.text if named else ""
    if location and ":" not in location and not _is_same(project, location, project.script_location):
        return project
    _check_one_folder(project, options)
    toml = project.root / "pyproject.toml"
    return dataclasses.replace(
        project,
        ini=ini_of(project.root, project.script_location),
        toml=toml if toml.is_file() else None,
        sys_path=tuple(project.root / each for each in prepended(options)),
    )


def _check_one_folder(project: Project, options: Mapping[str, Option]) -> None:
    """Raises ConfigurationError where Alembic would find migrations that are not in `versions` itself."""
    locations = options.get("version_locations")
    if locations and not all(_are_versions(project, each) for each in locations.texts):
        raise _several_folders(project, locations)
    recursive = options.get("recursive_version_locations")
    if recursive and recursive.is_true:
        below = (each for each in project.versions.glob("*/**/*.py") if each.name != "__init__.py")
        if next(below, None):
            raise _several_folders(project, recursive)


def _are_versions(project: Project, text: str) -> bool:
    """Whether it names the one folder only, whatever separates names in it: a folder's may have blanks."""
    parts = [each for each in re.split(r"[\s,:;]+", text) if each]
    return _is_same(project, text.strip(), project.versions) or all(
        _is_same(project, each, project.versions) for each in parts
    )


def _is_same(project: Project, path: str, folder: Path) -> bool:
    return (project.root / path).resolve() == folder.resolve()


def _several_folders(project: Project, option: Option) -> errors.ConfigurationError:
    folder = os.path.relpath(project.versions, project.root)
    return errors.ConfigurationError(
        f"{option}: notifydb keeps one numbered history in one folder, and would not run what is outside of"
        f" {folder}",
        hint=f"move all migrations into {folder} (their ids stay), and drop {option.name} from {option.file}",
    )


def alembic_config(project: Project, **options: Any) -> Config:
    """An Alembic Config of the project's own files, that writes nothing to stdout and configures no logging."""
    import argparse

    from alembic.config import Config

    quiet = argparse.Namespace(quiet=True, x=None)
    config = Config(project.ini, toml_file=project.toml, cmd_opts=quiet, **options)
    config.set_main_option("script_location", str(project.script_location).replace("%", "%%"))
    return config


@contextmanager
def entered(project: Project) -> Iterator[None]:
    """Makes the project importable and enters its bootstrap context, as its migrations may need.

    What the application or a migration prints is talk: it goes to stderr, so that stdout stays data.
    """
    with redirect_stdout(sys.stderr), _on_path(*project.sys_path, project.root), _bootstrap(project):
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
def _on_path(*folders: Path) -> Iterator[None]:
    names = [str(each) for each in folders]
    sys.path[:0] = names
    try:
        yield
    finally:
        for each in names:
            sys.path.remove(each)


@contextmanager
def _bootstrap(project: Project) -> Iterator[None]:
    with ExitStack() as stack:
        if project.bootstrap is not None:
            make = _resolve(project.bootstrap, "NOTIFYDB_BOOTSTRAP")
            with _not_left(f"NOTIFYDB_BOOTSTRAP={project.bootstrap}"):
                context = make()
                if not hasattr(context, "__enter__"):
                    raise errors.ConfigurationError(
                        f"NOTIFYDB_BOOTSTRAP={project.bootstrap} makes no context manager"
                    )
                stack.enter_context(context)
        yield


@contextmanager
def _not_left(named: str) -> Iterator[None]:
    try:
        with contained():
            yield
    except Left as error:
        raise errors.ConfigurationError(f"{named} cannot be entered: {error}") from error


def _resolve(target: str, setting: str) -> Any:
    module_name, _, path = target.partition(":")
    if not path:
        raise errors.ConfigurationError(f"{setting}={target} is not of the form module:attribute.path")
    try:
        with contained():
            found: Any = importlib.import_module(module_name)
            for name in path.split("."):
                found = getattr(found, name)
    except Exception as error:
        # Whatever the application raises while it is imported is the application's to mend.
        raise errors.ConfigurationError(
            f"{setting}={target} cannot be loaded: {named(error)}",
            hint="is the application installed in this environment, and its own settings set?",
        ) from error
    return found
