"""What `alembic.ini`, and `[tool.alembic]` in pyproject.toml, say to Alembic."""

from __future__ import annotations

import configparser
import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from notifydb import errors

_TOML: Final = "pyproject.toml [tool.alembic]"
#: What Alembic splits at by the word of `path_separator`, and without one.
_SEPARATORS: Final = {"space": " ", "newline": "\n", "os": re.escape(os.pathsep), ":": ":", ";": ";"}
_LEGACY: Final = r", *| +|:"


@dataclasses.dataclass(frozen=True, slots=True)
class Option:
    """One option and the file that has it; `%(here)s` is read as that file's folder."""

    name: str
    value: str | list[str] | bool
    file: str
    here: str

    def __str__(self) -> str:
        value = self.value if isinstance(self.value, (str, bool)) else ", ".join(self.value)
        return f"{self.file}: {self.name} = {' '.join(str(value).split())}"

    @property
    def texts(self) -> tuple[str, ...]:
        """Its text, or texts, without the doubling of percent signs."""
        values = self.value if isinstance(self.value, list) else [str(self.value)]
        return tuple(str(each).replace("%(here)s", self.here).replace("%%", "%") for each in values)

    @property
    def text(self) -> str:
        return " ".join(self.texts)

    @property
    def is_true(self) -> bool:
        return self.text.strip().casefold() == "true"


def read_options(root: Path, folder: Path | None = None) -> dict[str, Option]:
    """Those of the project in `root`, where alembic.ini has the say; without one there, of that in `folder`.

    Raises ConfigurationError for an alembic.ini that cannot be read.
    """
    found = _of_toml(root)
    path = ini_of(root, folder)
    if path is not None:
        # The root's stays relative, as errors name folders.
        here = "." if path.parent == root else str(path.parent)
        values = _section(path).items()
        found |= {name: Option(name, value, "alembic.ini", here) for name, value in values}
    return found


def prepended(options: Mapping[str, Option]) -> tuple[str, ...]:
    """The folders of `prepend_sys_path`, as they are named."""
    paths, separator = options.get("prepend_sys_path"), options.get("path_separator")
    if paths is None:
        return ()
    if isinstance(paths.value, list):
        return paths.texts
    split_at = _SEPARATORS.get(separator.text, _LEGACY) if separator else _LEGACY
    return tuple(each.strip() for each in re.split(split_at, paths.text) if each.strip())


def ini_of(root: Path, folder: Path | None = None) -> Path | None:
    """The alembic.ini of the project in `root`; Flask-Migrate keeps it beside env.py, in `folder`."""
    places = [root, folder] if folder else [root]
    return next((each / "alembic.ini" for each in places if (each / "alembic.ini").is_file()), None)


def _section(path: Path) -> dict[str, str]:
    """Read raw, because its `%(here)s` is Alembic's to interpolate."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, ValueError) as error:
        # The error's text quotes lines of the file, and there may be a URL in them.
        raise errors.ConfigurationError(f"alembic.ini cannot be read: {type(error).__name__}") from None
    return dict(parser["alembic"]) if parser.has_section("alembic") else {}


def _of_toml(root: Path) -> dict[str, Option]:
    try:
        content: Any = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        # The settings are in the same file, and who reads those tells what is wrong with it.
        return {}
    for key in ("tool", "alembic"):
        content = content.get(key, {})
        if not isinstance(content, dict):
            return {}
    kinds = (str, list, bool)
    return {name: Option(name, it, _TOML, ".") for name, it in content.items() if isinstance(it, kinds)}
