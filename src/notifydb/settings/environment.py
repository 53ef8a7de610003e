"""The environment's name: one of four, or unknown, which counts as production."""

from __future__ import annotations

import dataclasses
import enum


class Environment(enum.StrEnum):
    """Members stand from the most permissive to the strictest."""

    DEVELOPMENT = "development"
    TEST = "test"
    STAGING = "staging"
    UNKNOWN = "unknown"
    PRODUCTION = "production"

    @classmethod
    def parse(cls, raw: object) -> Environment:
        """Any spelling of a known name is that name; everything else is `UNKNOWN`, never an error."""
        try:
            return cls(str(raw).strip().casefold())
        except ValueError:
            return cls.UNKNOWN

    @property
    def strictness(self) -> int:
        return list(Environment).index(self)


@dataclasses.dataclass(frozen=True, slots=True)
class Voice:
    """One place that says which environment this is; `source` as a user would name it."""

    source: str
    environment: Environment


def strictest(voices: tuple[Voice, ...]) -> Environment:
    """The strictest of all voices; silence is `UNKNOWN`."""
    said = (voice.environment for voice in voices)
    return max(said, key=lambda environment: environment.strictness, default=Environment.UNKNOWN)
