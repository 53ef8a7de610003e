"""How a revision is called: a number, a slug, and no more than the version table can hold."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from notifydb.revisions.graph import History

# alembic_version.version_num is VARCHAR(32); a longer id fails only after the migration has run.
MAX_ID: Final = 32

# Longer runs of digits are dates, or hex ids that happen to have no letter.
_NUMBERED: Final = re.compile(r"([0-9]{1,6})(?:_(.*))?", re.DOTALL)
# Alembic refuses @ - + : in an id, and a file name is an id.
_LEGAL: Final = re.compile(r"[A-Za-z0-9_]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Named:
    """An id, and whether words had to be dropped to make it fit."""

    id: str
    shortened: bool


def slugify(message: str) -> str:
    """`message` in lower-case ASCII letters, digits and single underscores; may be empty."""
    plain = unicodedata.normalize("NFKD", message).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


def make_id(number: int, message: str, width: int = 4, suffix: str = "") -> Named:
    """The id for revision `number`, padded to `width` digits, with a slug made from `message`.

    `suffix` is a last word that stays when the slug has to be shortened.
    """
    return number_slug(number, slugify(message), width, suffix)


def number_slug(number: int, slug: str, width: int = 4, suffix: str = "") -> Named:
    """Like `make_id`, but `slug` is taken as it is; words are what its underscores separate."""
    prefix = f"{number:0{width}d}"
    ending = f"_{suffix}" if suffix else ""
    kept = _whole_words(slug, MAX_ID - len(prefix) - 1 - len(ending))
    return Named(f"{prefix}_{kept}{ending}" if kept else f"{prefix}{ending}", shortened=kept != slug)


def _whole_words(slug: str, room: int) -> str:
    if len(slug) <= room:
        return slug
    cut = slug[: room + 1].rfind("_")
    return slug[: cut if cut > 0 else room].rstrip("_")


def number_of(revision: str) -> int | None:
    """The number that an id begins with; None for hex ids, dates and plain words."""
    match = _NUMBERED.fullmatch(revision)
    return int(match[1]) if match else None


def slug_of(revision: str) -> str:
    """The id without its number: `0412_add_x` gives `add_x`, an id without a number is all slug."""
    match = _NUMBERED.fullmatch(revision)
    return (match[2] or "") if match else revision


def is_legal(revision: str) -> bool:
    """Whether Alembic and the version table both take this id."""
    return len(revision) <= MAX_ID and _LEGAL.fullmatch(revision) is not None


def next_number(history: History) -> int:
    """One above the highest number in use; a history without numbers is counted instead."""
    numbers = [number for each in history.revisions if (number := number_of(each)) is not None]
    return max(numbers, default=len(history.revisions)) + 1
