"""Processes that die in the middle of changing files."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

WATCHED = ("replace", "unlink", "fsync")


class Killed(BaseException):
    """Stands for SIGKILL: nothing after it has any effect."""


class Killer:
    """Lets `survived` watched calls through and dies at the next, before or after it took effect."""

    def __init__(self, survived: int, *, too_late: bool) -> None:
        self.survived = survived
        self.too_late = too_late
        self.calls = 0

    def __enter__(self) -> Killer:
        self.originals = {name: getattr(os, name) for name in WATCHED}
        for name, original in self.originals.items():
            setattr(os, name, self._watching(name, original))
        return self

    def __exit__(self, *_: object) -> None:
        for name, original in self.originals.items():
            setattr(os, name, original)

    def _watching(self, name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            dies = self.calls == self.survived + 1
            if self.calls > self.survived + 1 or (dies and not self.too_late):
                raise Killed
            result = None if name == "fsync" else original(*args, **kwargs)
            if dies:
                raise Killed
            return result

        return watched


def dies(act: Callable[[], object], survived: int, *, too_late: bool) -> bool:
    with Killer(survived, too_late=too_late):
        try:
            act()
        except Killed:
            return True
    return False
