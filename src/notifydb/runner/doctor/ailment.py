"""What the checks find."""

from __future__ import annotations

import dataclasses

from notifydb.findings import Severity


@dataclasses.dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that is half done or would not work, and what mends it: commands and SQL, in order.

    `name` is the check's; `otherwise` is a second way to mend it. `INFO` is a note, and makes nobody ill.
    """

    name: str
    what: str
    why: str
    mend: tuple[str, ...]
    otherwise: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR


@dataclasses.dataclass(frozen=True, slots=True)
class NotRun:
    """A check that could not look, and why."""

    check: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Diagnosis:
    """All that was found; `checks` is how many ran."""

    ailments: tuple[Ailment, ...]
    not_run: tuple[NotRun, ...]
    checks: int

    @property
    def is_healthy(self) -> bool:
        return all(each.severity is Severity.INFO for each in self.ailments)


def sql(*statements: str) -> tuple[str, ...]:
    """Statements as they are pasted."""
    return tuple(f"{each};" for each in statements)
