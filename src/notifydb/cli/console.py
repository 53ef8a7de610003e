"""Data goes to stdout, talk to stderr, and neither ever shows a password."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

#: The version of every `--format json` document; a field may be added within a version, none is removed.
JSON_VERSION = 1


class RedactingFormatter(logging.Formatter):
    """Log records and their tracebacks, without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        return _clean(super().format(record))


class Console:
    """Where a command writes; `progress` is shown live on a terminal only."""

    def __init__(self) -> None:
        self._out = _rich(stderr=False)
        self._err = _rich(stderr=True)
        self._live: Any = None

    @property
    def is_terminal(self) -> bool:
        return self._err.is_terminal

    def data(self, text: str, style: str | None = None) -> None:
        """A line of what was asked for."""
        self._out.print(_clean(text), style=style, markup=False, highlight=False, soft_wrap=True)

    @property
    def colors(self) -> bool:
        """Whether stdout is a terminal that shows colours."""
        return self._out.is_terminal and not self._out.no_color

    def raw(self, text: str) -> None:
        """Text that is formatted already, from values that hold no secret."""
        sys.stdout.write(text)

    def json(self, document: Mapping[str, object]) -> None:
        """The whole answer as one JSON document."""
        text = json.dumps({"version": JSON_VERSION, **_cleaned(document)}, indent=2, default=str)
        sys.stdout.write(text + "\n")

    def say(self, text: str, style: str | None = None) -> None:
        """A line about what is going on."""
        self._err.print(_clean(text), style=style, markup=False, highlight=False, soft_wrap=True)

    def progress(self, text: str) -> None:
        """What is being done right now, inside of `working`."""
        if self._live is not None:
            self._live.update(_escape(_clean(text)))

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """On a terminal, a spinner with `text` until the block ends; nothing otherwise."""
        if not self.is_terminal:
            yield
            return
        with self._err.status(_escape(_clean(text))) as self._live:
            try:
                yield
            finally:
                self._live = None

    def error(self, message: str, *, reasons: tuple[str, ...] = (), hint: str | None = None) -> None:
        """What went wrong, why, and what to do next."""
        self.say(f"error: {message}", style="bold red")
        for reason in reasons:
            self.say(f"  - {reason}")
        if hint:
            self.say(f"  next: {hint}", style="cyan")


def _rich(*, stderr: bool) -> RichConsole:
    from rich.console import Console as RichConsole

    return RichConsole(stderr=stderr)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _cleaned(value: Any) -> Any:
    """Each string by itself: cleaning the finished document could cut its quotes."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {key: _cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each) for each in value]
    return value


def _clean(text: str) -> str:
    from notifydb.settings.url import redact

    return redact(text)
