"""Calls of the project's own code, which may also try to end the process, and must not end a command with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Left(Exception):
    """The project's code raised what is no Exception and no signal; the text tells what."""


@contextmanager
def contained() -> Iterator[None]:
    """Raises Left for a `sys.exit()` in the block, and for whatever else nobody would catch."""
    try:
        yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise Left(_told(error)).with_traceback(error.__traceback__) from error


def named(error: BaseException) -> str:
    """The exception's name and text; of Left its text, which has the name of what it stands for."""
    return str(error) if isinstance(error, Left) else f"{type(error).__name__}: {error}"


def _told(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it called sys.exit({'' if error.code is None else repr(error.code)})"
    return f"it raised {type(error).__name__}: {error}".removesuffix(": ")
