"""A `notifydb` command of its own process, and what it has told so far."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

from purge_chaos.world import Place

_PROGRAM: Final = Path(sys.executable).parent / "notifydb"
#: Seconds after which a command that has not ended hangs.
PATIENCE: Final = 180.0


class Command:
    """Runs from its making on."""

    def __init__(self, place: Place, *arguments: str) -> None:
        self.log = place.folder / "logs" / f"{time.monotonic_ns()}-{arguments[0]}.jsonl"
        self.log.parent.mkdir(exist_ok=True)
        self.first = time.monotonic()
        self.ended: float | None = None
        self.events: list[dict[str, Any]] = []
        self._told = threading.Condition()
        self._stderr = self.log.with_suffix(".stderr").open("w")
        self._process = subprocess.Popen(
            [_PROGRAM, *arguments, "--log-format", "json", "--confirm", place.name],
            cwd=place.folder, env=_environment(place.url), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._stderr,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for_events(self, count: int, timeout: float) -> None:
        """Until it has told so many, or ends."""
        with self._told:
            self._told.wait_for(lambda: self.ended is not None or len(self.events) >= count, timeout)

    def wait(self) -> int | None:
        """Its exit code, negative where a signal ended it; None where it hangs, and is killed."""
        self._reader.join(PATIENCE)
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
    def is_purge(self) -> bool:
        return self.log.stem.endswith("-purge")

    @property
    def is_summed_up(self) -> bool:
        return any(event["event"] == "summary" for event in self.events)

    @property
    def worked(self) -> float:
        """The seconds from the first thing that it told to its end."""
        assert self.ended is not None
        return self.ended - self.first

    @property
    def last(self) -> str:
        """The last thing that it has told."""
        if not self.events:
            return "nothing yet"
        event = self.events[-1]
        return " ".join(str(event[key]) for key in ("event", "table", "index") if key in event)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self.log.open("w") as log:
            for line in self._process.stdout:
                log.write(line)
                self._hear(line)
        self._process.wait()
        with self._told:
            self.ended = time.monotonic()
            self._told.notify_all()

    def _hear(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            # Cut off by a kill: the log has it.
            return
        with self._told:
            if not self.events:
                self.first = time.monotonic()
            self.events.append(event)
            self._told.notify_all()


def _environment(url: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "PYTHONPATH") if name in os.environ}
    return {
        **kept, "LANG": "C.UTF-8", "DATABASE_URL": url, "NOTIFYDB_ENVIRONMENT": "test",
        "NOTIFYDB_PURGE_ARCHIVE_DIR": "archives",
    }  # fmt: skip
