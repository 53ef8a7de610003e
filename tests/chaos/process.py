"""A `notifydb upgrade` of its own process, and what it has said so far."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

_PROGRAM: Final = Path(sys.executable).parent / "notifydb"
#: Seconds after which a run that has not ended hangs.
PATIENCE: Final = 240.0

Event = dict[str, Any]


class Upgrade:
    """Runs from its making on; `log` is where all that it says is kept."""

    def __init__(self, folder: Path, url: str, log: Path, *options: str, environment: str = "test") -> None:
        self.log = log
        self.events: list[Event] = []
        self.since = datetime.now(UTC)
        self.began = time.monotonic()
        self.ended: float | None = None
        self._told = threading.Condition()
        self._stderr = log.with_suffix(".stderr").open("w")
        self._process = subprocess.Popen(
            [_PROGRAM, "upgrade", "--log-format", "json", *options],
            cwd=folder, env=_environment(url, environment), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._stderr,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until(self, started: int, timeout: float) -> bool:
        """Waits until it has begun so many migrations; False where it ends before, or takes too long."""
        with self._told:
            self._told.wait_for(lambda: self.has_ended or len(self.named("started")) >= started, timeout)
        return not self.has_ended

    def wait(self, timeout: float = PATIENCE) -> int | None:
        """Its exit code, negative where a signal ended it; None where it hangs, and is killed."""
        self._reader.join(timeout)
        hangs = self._reader.is_alive()
        if hangs:
            self.signal(signal.SIGKILL)
            self._reader.join()
        self._stderr.close()
        return None if hangs else self._process.returncode

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def has_ended(self) -> bool:
        return self.ended is not None

    @property
    def stderr(self) -> str:
        return self.log.with_suffix(".stderr").read_text()

    def named(self, name: str) -> list[Event]:
        """The events of that name."""
        return [each for each in self.events if each["event"] == name]

    @property
    def summary(self) -> Event | None:
        return next(iter(self.named("summary")), None)

    @property
    def running(self) -> str | None:
        """The migration that it has begun and not told the end of."""
        begun = [each["revision"] for each in self.named("started")]
        applied = {each["revision"] for each in self.named("applied")}
        return begun[-1] if begun and begun[-1] not in applied else None

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self.log.open("w") as log:
            for line in self._process.stdout:
                log.write(line)
                log.flush()
                self._hear(line)
        self._process.wait()
        with self._told:
            self.ended = time.monotonic()
            self._told.notify_all()

    def _hear(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            # Cut off by a kill, or no event: the log has it.
            return
        with self._told:
            self.events.append(event)
            self._told.notify_all()


def _environment(url: str, environment: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "DATABASE_URL": url, "NOTIFYDB_ENVIRONMENT": environment}
