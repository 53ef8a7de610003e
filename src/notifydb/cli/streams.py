"""The process's streams, made such that no command fails in the middle of its work because nobody takes its words."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO


def secure() -> None:
    """From now on, stdout and stderr take whatever is written; what of stdout was lost, `lost` tells."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # It gets the number of the closed one, which a connection would get otherwise.
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115
    sys.stdout, sys.stderr = _patient(sys.stdout), _patient(sys.stderr)


def lost() -> OSError | None:
    """Why not all of stdout could be written; None if it could."""
    sys.stdout.flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Patient) else None


class _Patient(io.FileIO):
    """Takes what cannot be written as if it were; `failure` is why, the first time."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            # Who has read as much as he wanted, as `head` does.
            pass
        except OSError as error:
            self.failure = self.failure or error
        return memoryview(data).nbytes


def _patient(stream: TextIO) -> TextIO:
    """The same stream; whatever else stands in its place, as in a test, stays."""
    if not isinstance(stream, io.TextIOWrapper) or stream not in (sys.__stdout__, sys.__stderr__):
        return stream
    with suppress(OSError):
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Patient(stream.fileno(), "w", closefd=False)),
        encoding=stream.encoding, errors=stream.errors,
        line_buffering=stream.line_buffering or stream.write_through,
    )  # fmt: skip
