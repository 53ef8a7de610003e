"""How long a run waits for others, and how it comes back: lock timeout, attempts, one deadline."""

from __future__ import annotations

import dataclasses
import random
import time
from typing import Final, Literal

from notifydb.guard import Permit

_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class Cancelling:
    """Which blockers may be ended: those of `applications` (wildcards) that are `after` seconds old."""

    applications: tuple[str, ...]
    after: float
    permit: Permit


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """The policy of a run; times in seconds. `queries` tells how other sessions' statements are shown,
    `section` where the settings have the policy."""

    lock_timeout: float = 2
    attempts: int = 30
    deadline: float = 900
    queries: Literal["masked", "full", "hidden"] = "masked"
    cancelling: Cancelling | None = None
    section: str = "upgrade"


class Patience:
    """One run's use of its terms; the clock starts when it is made."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self._ends = time.monotonic() + terms.deadline
        self._attempts = 1

    @property
    def attempt(self) -> int:
        """Which attempt at the running migration this is, from 1."""
        return self._attempts

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._ends

    def begin(self) -> None:
        """Another migration begins."""
        self._attempts = 1

    def pause(self) -> float | None:
        """The seconds to wait before the next attempt, None if there is none.

        Twice as long each time, and a random half of it less, so that runners do not meet again.
        """
        pause: float = min(_FIRST_PAUSE * 2 ** (self._attempts - 1), _LONGEST_PAUSE)
        pause *= random.uniform(0.5, 1)  # noqa: S311
        if self._attempts >= self.terms.attempts or time.monotonic() + pause >= self._ends:
            return None
        self._attempts += 1
        return pause

    def exhausted(self) -> str:
        """Why there is no further attempt."""
        if self._attempts >= self.terms.attempts:
            return f"tried {self._attempts} times ({self.terms.section}.attempts)"
        return f"the run's {self.terms.deadline:g} s are over ({self.terms.section}.deadline)"
