"""The id that a revision gets with another number: its words stay."""

from __future__ import annotations

import re
from typing import Final

from notifydb.revisions import naming
from notifydb.revisions.graph import Revision

# Ids that Alembic made up, and dates: eight or more hexadecimal digits, at least one of them a number.
_MADE_UP: Final = re.compile(r"(?=[a-f]*[0-9])[0-9a-f]{8,}(?:_(.*))?", re.DOTALL)
_NO_MESSAGE: Final = "empty message"


def renumbered(revision: Revision, written: str, number: int, width: int) -> naming.Named:
    """The id for `number`: the one that is `written` in the file if it has that number and can stay."""
    prefix = f"{number:0{width}d}"
    if (written == prefix or written.startswith(f"{prefix}_")) and naming.is_legal(written):
        return naming.Named(written, shortened=False)
    return naming.number_slug(number, _slug(revision, written), width)


def _slug(revision: Revision, written: str) -> str:
    name = written if naming.is_legal(written) else naming.slugify(written)
    if words := _words(name) or _from_message(revision) or naming.slugify(_words(_stem(revision, written))):
        return words
    return "" if naming.number_of(name) is not None else name


def _words(name: str) -> str:
    made_up = _MADE_UP.fullmatch(name)
    return (made_up[1] or "") if made_up else naming.slug_of(name)


def _stem(revision: Revision, written: str) -> str:
    # Alembic's default file name is the id and then the words.
    return revision.path.stem.removeprefix(f"{written}_")


def _from_message(revision: Revision) -> str:
    return "" if revision.message == _NO_MESSAGE else naming.slugify(revision.message)
