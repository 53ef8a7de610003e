"""The environment's name: one of four, or unknown, which counts as production; and names that give one away."""

from __future__ import annotations

import dataclasses
import enum
import re
import unicodedata
from typing import Final

#: Words that begin like it and mean something else, and those that say that it is not.
_HARMLESS: Final = re.compile(
    r"(?<![a-z])(products?|producers?|productivity|reproductions?|reproduced?|reproducers?|non[-_]?prod(uction)?)(?![a-z])"
)
#: The broker of cloud.gov calls every database after itself, whosever it is.
_BROKER: Final = re.compile(r"^cg-?aws-?broker-?prod[0-9a-z]*(-[0-9a-f]+)?(?=\.|$)")
_PRODUCTION: Final = re.compile(r"prod|(?<![a-z])prd(?![a-z])")


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
            return cls(str(raw).strip().lower())
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


@dataclasses.dataclass(frozen=True, slots=True)
class Name:
    """What something is called that may tell which environment this is; `source` as a user would name it."""

    source: str
    text: str

    @property
    def sounds_like_production(self) -> bool:
        """Whether there is a `prod` in it, of which it is not certain that it means something else."""
        plain = unicodedata.normalize("NFKC", self.text).casefold()
        return _PRODUCTION.search(_HARMLESS.sub(" ", _BROKER.sub(" ", plain))) is not None


def strictest(voices: tuple[Voice, ...]) -> Environment:
    """The strictest of all voices; silence is `UNKNOWN`."""
    said = (voice.environment for voice in voices)
    return max(said, key=lambda environment: environment.strictness, default=Environment.UNKNOWN)
