"""How a setting is declared, and how what somebody wrote becomes its value."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Self, TypeVar

from notifydb.settings.environment import Environment
from notifydb.settings.url import SecretUrl

_Section = TypeVar("_Section", bound="Section")
#: A table of TOML: each key with its values, of which one alone may stand without brackets.
Table = tuple[tuple[str, tuple[str, ...]], ...]
#: Seconds: the server's timeouts are milliseconds in 32 bits.
LONGEST: Final = 2_147_483
_TRUTHS = {
    **dict.fromkeys(("1", "true", "t", "yes", "y", "on"), True),
    **dict.fromkeys(("0", "false", "f", "no", "n", "off"), False),
}


class Misfit(ValueError):
    """Values that their settings cannot take; `problems` says of each dotted name why."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """What a number has to keep to; None is no limit."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None

    def check(self, number: float) -> None:
        """Raises ValueError; what is not a number keeps to no limit."""
        if self.ge is not None and not number >= self.ge:
            raise ValueError(f"input should be greater than or equal to {self.ge}")
        if self.gt is not None and not number > self.gt:
            raise ValueError(f"input should be greater than {self.gt}")
        if self.le is not None and not number <= self.le:
            raise ValueError(f"input should be less than or equal to {self.le}")


def setting(
    default: Any,
    description: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
) -> Any:
    """A field of a Section; `description` is its line in the docs."""
    metadata = {"description": description, "limits": Limits(ge, gt, le)}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it is declared; `kind` is its type, None aside."""

    kind: Any
    is_optional: bool
    default: object
    description: str
    limits: Limits

    def value_of(self, raw: object) -> object:
        """What somebody wrote, as text or as TOML has it; ValueError, without the input, if it does not fit."""
        if raw is None and self.is_optional:
            return None
        if typing.get_origin(self.kind) is typing.Literal:
            return _one_of(typing.get_args(self.kind), raw)
        value = _READERS[self.kind](raw)
        if isinstance(value, int | float):
            self.limits.check(value)
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Section:
    """Some settings, and sections below; `given` are the names of those that somebody set."""

    given: frozenset[str] = dataclasses.field(default=frozenset(), repr=False, compare=False)

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Self:
        """The section with these raw values by dotted name; raises Misfit with every one that does not fit."""
        known = declared(cls)
        fitting: dict[str, object] = {}
        problems: dict[str, str] = {}
        for name, raw in values.items():
            try:
                fitting[name] = known[name].value_of(raw)
            except ValueError as problem:
                problems[name] = str(problem)
        if problems:
            raise Misfit(problems)
        return _built(cls, fitting)


def declared(model: type[Section]) -> Mapping[str, Setting]:
    """Every setting of a section and of those below, by dotted name, in the order of the code."""
    hints = typing.get_type_hints(model)
    found: dict[str, Setting] = {}
    for field in dataclasses.fields(model):
        hint = hints[field.name]
        if isinstance(hint, type) and issubclass(hint, Section):
            found |= {f"{field.name}.{name}": each for name, each in declared(hint).items()}
        elif field.metadata:
            kinds = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
            (kind,) = (each for each in kinds if each is not NoneType)
            found[field.name] = Setting(kind, NoneType in kinds, field.default, **field.metadata)
    return found


def _built(model: type[_Section], values: Mapping[str, object]) -> _Section:
    own: dict[str, Any] = {}
    below: dict[str, dict[str, object]] = {}
    for name, value in values.items():
        first, _, rest = name.partition(".")
        if rest:
            below.setdefault(first, {})[rest] = value
        else:
            own[name] = value
    hints = typing.get_type_hints(model)
    own |= {section: _built(hints[section], inner) for section, inner in below.items()}
    return model(given=frozenset(own), **own)


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise ValueError("input should be a valid string")
    return raw


def _texts(raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list | tuple):
        raise ValueError("input should be a list of strings")
    return tuple(_text(each) for each in raw)


def _table(raw: object) -> Table:
    if isinstance(raw, Mapping):
        raw = tuple(raw.items())
    if not isinstance(raw, tuple):
        raise ValueError("input should be a table")
    return tuple((key, (value,) if isinstance(value, str) else _texts(value)) for key, value in raw)


def _integer(raw: object) -> int:
    number = _number(raw, "integer")
    if not number.is_integer():
        raise ValueError("input should be a valid integer")
    return int(number)


def _number(raw: object, kind: str = "number") -> float:
    try:
        if isinstance(raw, str | int | float) and not isinstance(raw, bool):
            return float(raw)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"input should be a valid {kind}")


def _truth(raw: object) -> bool:
    truth = _TRUTHS.get(str(raw).lower()) if isinstance(raw, str | int) else None
    if truth is None:
        raise ValueError("input should be a valid boolean: true or false")
    return truth


def _path(raw: object) -> Path:
    if not isinstance(raw, str | Path):
        raise ValueError("input is not a valid path")
    return Path(raw)


def _one_of(choices: tuple[str, ...], raw: object) -> str:
    if raw not in choices:
        raise ValueError(f"input should be one of {', '.join(choices)}")
    return str(raw)


def _secret_url(raw: object) -> SecretUrl | None:
    text = raw.get_secret_value() if isinstance(raw, SecretUrl) else str(raw)
    return SecretUrl.of(text) if text else None


_READERS: Mapping[Any, Any] = {
    str: _text,
    int: _integer,
    float: _number,
    bool: _truth,
    Path: _path,
    tuple[str, ...]: _texts,
    Table: _table,
    Environment: Environment.parse,
    SecretUrl: _secret_url,
}
