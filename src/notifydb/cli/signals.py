"""SIGTERM and SIGINT: the driver cancels the running statement, and a job is over within two seconds."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from notifydb import errors

#: A platform kills what has not ended; Cloud Foundry after ten seconds, a person sooner.
_PATIENCE: Final = 1.7
_LATE: Final = (
    "stopped: the server has not confirmed the rollback yet, it does so as it notices that nobody is there\n"
)
_LastWords = Callable[[int], None]
_prompt: list[_LastWords] = []
received: list[int] = []


class Terminated(KeyboardInterrupt):
    """SIGTERM: the driver cancels the running statement for it as for Ctrl-C."""


def install() -> None:
    """Takes both signals over, for the whole process."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)


def exit_code(stop: KeyboardInterrupt | None) -> int:
    """As a shell gives it to who ended by a signal."""
    number = signal.SIGTERM if isinstance(stop, Terminated) or signal.SIGTERM in received else signal.SIGINT
    return 128 + number


@contextmanager
def promptly(last_words: _LastWords) -> Iterator[None]:
    """For the block, a signal ends the process in two seconds, whether or not the server answers by then.

    If it does not, `last_words` are called with the exit code. What a signal cuts short may fail in a way of its own:
    it leaves as the signal.
    """
    _prompt.append(last_words)
    try:
        yield
    except errors.NotifydbError as error:
        if not received:
            raise
        raise _raised_by(received[0]) from error
    finally:
        _prompt.pop()


def _stop(number: int, _frame: FrameType | None) -> None:
    received.append(number)
    # What is interrupted may leave a transaction that is over already, which SQLAlchemy warns of.
    warnings.simplefilter("ignore")
    if _prompt and len(received) == 1:
        timer = threading.Timer(_PATIENCE, _leave, [128 + number, _prompt[-1]])
        timer.daemon = True
        timer.start()
    raise _raised_by(number)


def _raised_by(number: int) -> type[KeyboardInterrupt]:
    return Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _leave(code: int, last_words: _LastWords) -> None:
    try:
        last_words(code)
        sys.stderr.write(_LATE)
        sys.stderr.flush()
        sys.stdout.flush()
    finally:
        os._exit(code)
