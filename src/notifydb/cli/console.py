"""Data goes to stdout, talk to stderr, and neither ever shows a password."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

#: The version of every `--format json` document; a field may be added within a version, none is removed.
JSON_VERSION = 1
#: A log that says nothing for longer looks like a hang.
_SILENCE_SECONDS = 10
_READABLE = 100


class RedactingFormatter(logging.Formatter):
    """Log records and their tracebacks, without passwords."""

    def format(self, record: logging.LogRecord) -> str:
        return _clean(super().format(record))


class Console:
    """Where a command writes: rich on a terminal, plain lines elsewhere."""

    def __init__(self) -> None:
        self._live: Any = None
        # A log goes on there while migrations run, which print to stderr.
        self._stdout = sys.stdout
        self._told = time.monotonic()

    @property
    def is_terminal(self) -> bool:
        return _is_terminal(sys.stderr)

    @property
    def is_interactive(self) -> bool:
        """Whether somebody is there to answer."""
        return sys.stdin.isatty() and self.is_terminal

    @property
    def colors(self) -> bool:
        """Whether stdout is a terminal that shows colours."""
        return _is_terminal(sys.stdout) and not self._out.no_color

    @property
    def width(self) -> int:
        """Columns of stdout's terminal; off a terminal, those that people read well."""
        return self._out.width if _is_terminal(sys.stdout) else _READABLE

    def data(self, text: str, style: str | None = None) -> None:
        """A line of what was asked for."""
        if _is_terminal(sys.stdout):
            self._out.print(_clean(text), style=style, markup=False, highlight=False, soft_wrap=True)
        else:
            sys.stdout.write(_clean(text) + "\n")

    def raw(self, text: str) -> None:
        """Text that is formatted already, from values that hold no secret."""
        sys.stdout.write(text)

    def json(self, document: Mapping[str, object]) -> None:
        """The whole answer as one JSON document."""
        text = json.dumps({"version": JSON_VERSION, **_cleaned(document)}, indent=2, default=str)
        sys.stdout.write(text + "\n")

    def json_line(self, document: Mapping[str, object]) -> None:
        """One object of a log, in one line, at once."""
        text = json.dumps({"version": JSON_VERSION, **_cleaned(document)}, default=str)
        self._stdout.write(text + "\n")
        self._stdout.flush()

    def say(self, text: str, style: str | None = None) -> None:
        """A line about what is going on."""
        self._told = time.monotonic()
        # Where both streams go into one log, what was said before stands before.
        with suppress(OSError):
            sys.stdout.flush()
        if self.is_terminal:
            self._err.print(_clean(text), style=style, markup=False, highlight=False, soft_wrap=True)
        else:
            sys.stderr.write(_clean(text) + "\n")

    def progress(self, text: str) -> None:
        """What is being done right now, inside of `working`; off a terminal, a line now and then."""
        if self._live is not None:
            self._live.update(_escape(_clean(text)))
        elif time.monotonic() - self._told > _SILENCE_SECONDS:
            self.say(text)

    @contextmanager
    def working(self, text: str) -> Iterator[None]:
        """On a terminal, a spinner with `text` until the block ends."""
        if not self.is_terminal:
            yield
            return
        with self._err.status(_escape(_clean(text))) as self._live:
            try:
                yield
            finally:
                self._live = None

    @contextmanager
    def live(self, text: str) -> Iterator[LiveView | None]:
        """On a terminal, a bar that `LiveView.show` moves, until the block ends."""
        if not self.is_terminal:
            yield None
            return
        with LiveView(self._err, text) as view:
            yield view

    # rich is imported only where it is shown: it costs more than a short command.
    @cached_property
    def _out(self) -> RichConsole:
        from rich.console import Console as RichConsole

        return RichConsole()

    @cached_property
    def _err(self) -> RichConsole:
        from rich.console import Console as RichConsole

        return RichConsole(stderr=True)

    def error(self, message: str, *, reasons: tuple[str, ...] = (), hint: str | None = None) -> None:
        """What went wrong, why, and what to do next."""
        self.say(f"error: {message}", style="bold red")
        for reason in reasons:
            self.say(f"  - {reason}")
        if hint:
            self.say(f"  next: {hint}", style="cyan")


class LiveView:
    """How many are done of how many, what is at work and for how long; lines that are said stay above it."""

    def __init__(self, console: RichConsole, text: str) -> None:
        from rich import progress

        columns = (
            progress.SpinnerColumn(),
            progress.BarColumn(bar_width=30),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("{task.description}"),
        )
        self._progress = progress.Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(_escape(_clean(text)), total=None)

    def __enter__(self) -> LiveView:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, text: str, done: int, total: int) -> None:
        self._progress.update(
            self._task, description=_escape(_clean(text)), completed=done, total=total or None
        )


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() or bool(os.environ.get("FORCE_COLOR"))


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
