"""The file `.env`: variables that are set where the environment does not; of the environment's name nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from notifydb import errors
from notifydb.settings.environment import Environment

if TYPE_CHECKING:
    from dotenv.parser import Binding

#: Where a word too many or a quote too few must not hide the strictest voice.
_ENVIRONMENTS: Final = ("NOTIFYDB_ENVIRONMENT", "NOTIFY_ENVIRONMENT")


def read(path: Path) -> dict[str, str]:
    """The variables of the file, the last of each name; a name without a value is empty.

    Raises ConfigurationError when it cannot be read, or not where it speaks of the environment.
    """
    try:
        if not path.exists():
            if path.is_symlink():
                raise errors.ConfigurationError(f"{path.name} is a link to nothing")
            return {}
        from dotenv import dotenv_values

        # An editor's byte order mark would be taken for a part of the first name.
        found = dotenv_values(path, encoding="utf-8-sig")
        return {name: value or "" for name, value in found.items()} | _spoken(path, found)
    except (OSError, ValueError) as error:
        raise errors.ConfigurationError(f"{path.name} cannot be read: {error}") from None


def _spoken(path: Path, found: Mapping[str, str | None]) -> dict[str, str]:
    """The environment's names that are set more than once, each with the strictest of its values."""
    said: dict[str, list[str]] = {}
    for binding in _bindings(path):
        if binding.error and any(name in binding.original.string for name in _ENVIRONMENTS):
            raise errors.ConfigurationError(f"{path.name} cannot be read: line {binding.original.line}")
        if binding.key in _ENVIRONMENTS:
            said.setdefault(binding.key, [found[binding.key] or ""]).append(binding.value or "")
    return {name: max(values, key=_strictness) for name, values in said.items() if len(values) > 2}


def _bindings(path: Path) -> list[Binding]:
    from dotenv.parser import parse_stream

    with path.open(encoding="utf-8-sig") as stream:
        return list(parse_stream(stream))


def _strictness(value: str) -> int:
    return Environment.parse(value).strictness
