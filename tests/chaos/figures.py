"""What a suite has counted, and what it found wrong."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from chaos.process import Upgrade


@dataclasses.dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be; `log` is of the run, whose database is kept."""

    scenario: str
    what: str
    database: str
    log: Path | None


class Figures:
    """Shared by all that run at once."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.missing: list[str] = []
        self._counts: Counter[tuple[str, str]] = Counter()
        self._longest: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def count(self, topic: str, what: str, number: int = 1) -> None:
        with self._lock:
            self._counts[topic, what] += number

    def longest(self, topic: str, what: str, seconds: float) -> None:
        with self._lock:
            self._longest[topic, what] = max(seconds, self._longest.get((topic, what), 0))

    def violated(self, scenario: str, what: str, database: str, log: Path | None = None) -> None:
        with self._lock:
            self.violations.append(Violation(scenario, what, database, log))
        print(f"VIOLATION in {scenario}: {what}\n  database {database}, log {log}", flush=True)

    def heard(self, run: Upgrade) -> None:
        """Counts what a run has told of what it coped with."""
        self.count("runs", "of notifydb upgrade")
        for name, what in _TOLD.items():
            self.count("coped with", what, len(run.named(name)))

    def table(self) -> Iterator[str]:
        """The lines of the figures, as a table of a page."""
        yield "| | | |\n|---|---|---:|"
        for topic, what in sorted(self._counts):
            if number := self._counts[topic, what]:
                yield f"| {topic} | {what} | {number} |"
        for (topic, what), seconds in sorted(self._longest.items()):
            yield f"| {topic} | {what} | {seconds:.2f} s |"
        yield from (f"| not run | {each} | |" for each in self.missing)
        yield f"| violations | | {len(self.violations)} |"


_TOLD = {
    "continued": "migrations gone on with after what was committed",
    "healed": "INVALID indexes healed",
    "built_before": "indexes found built",
    "retrying": "retries after a lock timeout or deadlock",
    "waiting_for_runner": "waits for another runner, or for what a killed one left",
}
