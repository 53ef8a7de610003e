"""The file of production's table sizes: written by `--export-stats`, read by every later run."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from notifydb import errors
from notifydb.postgres.sizes import Sizes, TableSize

VERSION: Final = 1
#: Tables grow: after that long, what the file says is doubted aloud.
FRESH: Final = timedelta(days=90)
_HINT: Final = "write it anew: notifydb lint --export-stats FILE, with production's DATABASE_URL"


def dump(sizes: Sizes) -> str:
    """The file's text: a table a line, so that diffs are small."""
    tables = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(dataclasses.asdict(size))}"
        for name, size in sizes.tables.items()
    )
    return (
        f'{{\n  "version": {VERSION},\n  "taken": {json.dumps(sizes.taken.isoformat())},\n'
        f'  "server_version": {sizes.server_version},\n'
        f'  "tables": {{{f"{chr(10)}{tables}{chr(10)}  " if tables else ""}}}\n}}\n'
    )


def read(path: Path) -> Sizes:
    """What the file says; raises ConfigurationError where it is missing or cannot be understood."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(path, str(error.strerror)) from None
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise _unreadable(path, f"it is not of version {VERSION}")
    try:
        tables = {str(name): _size(written) for name, written in document["tables"].items()}
        return Sizes(_moment(document["taken"]), _number(document["server_version"]), tables)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, f"it is not of the form that is written there ({error!r})") from None


def _size(written: dict[str, Any]) -> TableSize:
    optional = {
        name: None if written.get(name) is None else _number(written[name])
        for name in ("bytes", "toast_bytes", "index_bytes")
    }
    return TableSize(_number(written["rows"]), **optional, partitions=_number(written.get("partitions", 0)))


def _moment(value: str) -> datetime:
    taken = datetime.fromisoformat(value)
    if taken.tzinfo is None:
        raise ValueError(f"{value} has no time zone")
    return taken


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _unreadable(path: Path, why: str) -> errors.ConfigurationError:
    return errors.ConfigurationError(f"the statistics {path.name} cannot be read: {why}", hint=_HINT)
