"""What migrations were on another database, from what `notifydb history --database --format json` wrote there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from notifydb import errors

VERSION: Final = 1
_HINT: Final = "make it with: notifydb history --database --format json, where they ran"


@dataclasses.dataclass(frozen=True, slots=True)
class Ran:
    """The last success of a revision's upgrade; `source_sha256` is of the file that ran, where it was recorded."""

    seconds: float
    finished_at: datetime
    source_sha256: str | None = None


def read(text: str, name: str) -> Mapping[str, Ran]:
    """By revision; `name` is what the text is called. Raises ConfigurationError where it is something else."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(name, str(error)) from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise _unreadable(name, f"it is not of version {VERSION}")
    try:
        found = [(str(entry["revision"]), _ran(entry)) for entry in document["entries"] if _counts(entry)]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(name, f"it is no history ({error!r})") from None
    return dict(sorted(found, key=lambda each: each[1].finished_at))


def _counts(entry: Mapping[str, Any]) -> bool:
    is_done = (entry["operation"], entry["outcome"]) == ("upgrade", "done")
    return is_done and entry["revision"] is not None and entry["seconds"] is not None


def _ran(entry: Mapping[str, Any]) -> Ran:
    finished_at = datetime.fromisoformat(entry["finished_at"])
    if finished_at.tzinfo is None:
        raise ValueError(f"{finished_at} has no time zone")
    digest = entry.get("source_sha256")
    return Ran(float(entry["seconds"]), finished_at, None if digest is None else str(digest))


def _unreadable(name: str, why: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(f"the history {name} cannot be read: {why}", hint=_HINT)
