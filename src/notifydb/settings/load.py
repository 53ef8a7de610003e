"""Merges the sources, strongest first, and remembers which one each value came from."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from notifydb import errors
from notifydb.settings import cloudfoundry, dotenv
from notifydb.settings.environment import Environment, Name, Voice
from notifydb.settings.fields import Misfit, Table, declared
from notifydb.settings.model import Settings

PREFIX = "NOTIFYDB_"
ROOT_FILES = ("notifydb.toml", "pyproject.toml", "alembic.ini")
_URL_VARIABLES = ("DATABASE_URL", "SQLALCHEMY_DATABASE_URI")
_KNOWN = declared(Settings)
_MEANT_IF_EMPTY = frozenset({"environment", "purge.older_than"})


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """Values of one place; keys are dotted setting names, values are raw."""

    values: Mapping[str, object]
    names: Mapping[str, str]
    #: What the platform calls where this runs.
    places: tuple[Name, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Binding:
    """A database that is only known by what `VCAP_SERVICES` holds."""

    vcap_services: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with their origins: `origins` maps a dotted setting name to where its value came from.

    `names` are what the platform calls the place and its database: they may tell which environment this is.
    """

    settings: Settings
    root: Path
    origins: Mapping[str, str]
    voices: tuple[Voice, ...]
    names: tuple[Name, ...] = ()
    #: Why the platform's database cannot be told: to be raised when it is asked for, not before.
    database_problem: errors.ConfigurationError | None = None


def load_settings(
    options: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Loaded:
    """Reads all sources for the project that `directory` (default: the working directory) is in.

    `options` are command-line values by dotted setting name; None values are not set.
    Raises ConfigurationError for a value that does not fit; no message shows a secret.
    """
    environ = os.environ if environ is None else environ
    root = find_root(directory or _working_directory())
    given = {name: value for name, value in (options or {}).items() if value is not None}
    file = dotenv.read(root / ".env")
    sources = [
        Source(given, {name: f"--{name.rsplit('.')[-1].replace('_', '-')}" for name in given}),
        _variables(environ, ""),
        _platform(environ, ""),
        _variables(file, " in .env"),
        _platform(file, " in .env"),
        _toml(root / "notifydb.toml", ()),
        _toml(root / "pyproject.toml", ("tool", "notifydb")),
    ]
    # Whatever its strength, a source may say which of the bound databases another one means.
    said = (source.values["service_name"] for source in sources if "service_name" in source.values)
    service_name = next(said, None)
    return _merge([_unbound(source, service_name) for source in sources], root)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise errors.ConfigurationError(
            "the working directory is not there any more",
            hint="change to the project's folder, then run the same command again",
        ) from error


def find_root(directory: Path) -> Path:
    """The nearest folder upwards that holds a project file, else `directory` itself."""
    directory = directory.resolve()
    for folder in (directory, *directory.parents):
        if _is_script_location(folder):
            return find_root(folder.parent)
        if any((folder / name).is_file() for name in ROOT_FILES):
            return folder
    return directory


def _is_script_location(folder: Path) -> bool:
    """Flask-Migrate keeps alembic.ini beside env.py; an own `script_location` makes that a project."""
    ini = folder / "alembic.ini"
    if not (ini.is_file() and (folder / "env.py").is_file() and (folder / "versions").is_dir()):
        return False
    if any((folder / name).is_file() for name in ROOT_FILES if name != ini.name):
        return False
    return not re.search(rb"^script_location\s*[=:]", ini.read_bytes(), re.MULTILINE)


def setting_names() -> tuple[str, ...]:
    """The dotted names of all settings, in the order of the model."""
    return tuple(_KNOWN)


def variable_name(setting: str) -> str:
    """`lint.rows` is set by `NOTIFYDB_LINT_ROWS`."""
    return PREFIX + setting.replace(".", "_").upper()


def _merge(sources: Sequence[Source], root: Path) -> Loaded:
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for source in sources:
        for name, value in source.values.items():
            values.setdefault(name, value)
            origins.setdefault(name, source.names[name])
    url = values.get("database_url")
    problem = url if isinstance(url, errors.ConfigurationError) else None
    if problem is not None:
        del values["database_url"]
    names = tuple(place for source in sources for place in source.places)
    bound = origins.get("database_url", "").removeprefix("VCAP_SERVICES ")
    if bound != origins.get("database_url", ""):
        names = (*names, Name("the service of VCAP_SERVICES", bound))
    return Loaded(_fitted(values, origins), root, origins, _voices(sources), names, problem)


def _voices(sources: Sequence[Source]) -> tuple[Voice, ...]:
    return tuple(
        Voice(source.names["environment"], Environment.parse(source.values["environment"]))
        for source in sources
        if "environment" in source.values
    )


def _fitted(values: Mapping[str, object], origins: Mapping[str, str]) -> Settings:
    try:
        return Settings.of(values)
    except Misfit as misfit:
        raise errors.ConfigurationError(
            "; ".join(f"{_place(name, origins)}: {why}" for name, why in misfit.problems.items()),
            hint="notifydb settings shows every setting and where it comes from",
        ) from None


def _place(name: str, origins: Mapping[str, str]) -> str:
    # A variable has a setting's name in it; a file holds many, and an option may be named shorter.
    origin = origins[name]
    is_named = not origin.startswith("--") and ".toml" not in origin
    return origin if is_named else f"{origin}: {name}"


def _variables(environ: Mapping[str, str], where: str) -> Source:
    known = {variable_name(setting): setting for setting in setting_names()}
    for variable in environ:
        if variable.startswith(PREFIX) and variable not in known:
            close = difflib.get_close_matches(variable, known, n=1)
            raise errors.ConfigurationError(
                f"{variable}{where} is not a setting of notifydb",
                hint=f"did you mean {close[0]}?" if close else "notifydb settings lists them",
            )
    # Empty is unset, as deployment templates leave it; but an empty environment is one that is not known, and
    # without its age a purge would take everybody.
    set_ = {
        setting: variable
        for variable, setting in known.items()
        if variable in environ and (environ[variable].strip() or setting in _MEANT_IF_EMPTY)
    }
    values = {setting: _from_text(setting, environ[variable]) for setting, variable in set_.items()}
    return Source(values, {setting: variable + where for setting, variable in set_.items()})


def _from_text(setting: str, text: str) -> object:
    kind = _KNOWN[setting].kind
    if kind not in (tuple[str, ...], Table):
        return text
    parts = tuple(filter(None, (part.strip() for part in text.split(","))))
    return _pairs(parts) if kind == Table else parts


def _pairs(parts: Sequence[str]) -> dict[str, list[str]]:
    """`key=value` parts as a table; a key may come again with another value."""
    found: dict[str, list[str]] = {}
    for part in parts:
        key, _, value = part.partition("=")
        found.setdefault(key.strip(), []).append(value.strip())
    return found


def _platform(environ: Mapping[str, str], where: str) -> Source:
    """What the platform or the application already says under names of its own."""
    values: dict[str, object] = {}
    names: dict[str, str] = {}
    if "NOTIFY_ENVIRONMENT" in environ:
        values["environment"], names["environment"] = (
            environ["NOTIFY_ENVIRONMENT"],
            f"NOTIFY_ENVIRONMENT{where}",
        )
    places = cloudfoundry.names(environ.get("VCAP_APPLICATION", ""))
    for variable in _URL_VARIABLES:
        if environ.get(variable):
            values["database_url"], names["database_url"] = environ[variable], f"{variable}{where}"
            return Source(values, names, places)
    if environ.get("VCAP_SERVICES"):
        values["database_url"] = Binding(environ["VCAP_SERVICES"])
        names["database_url"] = f"VCAP_SERVICES{where}"
    return Source(values, names, places)


def _unbound(source: Source, service_name: object) -> Source:
    """The source with the bound database's URL, or with the problem as its value, or without any."""
    binding = source.values.get("database_url")
    if not isinstance(binding, Binding):
        return source
    rest = {name: value for name, value in source.values.items() if name != "database_url"}
    try:
        bound = cloudfoundry.database_url(binding.vcap_services, service_name)
    except errors.ConfigurationError as problem:
        named = {**source.names, "database_url": problem.message}
        return Source({**rest, "database_url": problem}, named, source.places)
    if bound is None:
        return Source(rest, source.names, source.places)
    origin = source.names["database_url"].replace("SERVICES", f"SERVICES {bound[1]}", 1)
    named = {**source.names, "database_url": origin}
    return Source({**rest, "database_url": bound[0]}, named, source.places)


def _toml(path: Path, table: Sequence[str]) -> Source:
    try:
        content: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if path.is_symlink():
            # What it was to say is not known, and it may have said production.
            raise errors.ConfigurationError(f"{path.name} is a link to nothing") from None
        return Source({}, {})
    except (OSError, ValueError) as error:
        raise errors.ConfigurationError(f"{path.name} cannot be read: {error}") from None
    for key in table:
        content = content.get(key, {})
        if not isinstance(content, dict):
            raise errors.ConfigurationError(f"{path.name}: {key} is not a table")
    values = dict(_flatten(content))
    unknown = sorted(set(values) - set(setting_names()))
    if unknown:
        close = difflib.get_close_matches(unknown[0], _KNOWN, n=1)
        raise errors.ConfigurationError(
            f"{path.name}: {', '.join(unknown)}: no such setting",
            hint=f"did you mean {close[0]}?" if close else "notifydb settings lists them",
        )
    where = f"{path.name} [{'.'.join(table)}]" if table else path.name
    return Source(values, dict.fromkeys(values, where))


def _flatten(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, dict) and f"{prefix}{key}" not in _KNOWN:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
