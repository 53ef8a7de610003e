"""What the text of migrations names: keys of the rows that they load."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_UUID: Final = re.compile(rb"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)


def uuids_in(versions: Path) -> tuple[str, ...]:
    """Every UUID that stands in a migration of the folder, in lower case, or in a file that lies beside one."""
    files = sorted(path for path in versions.iterdir() if path.suffix in (".py", ".sql"))
    found = {match.decode().lower() for path in files for match in _UUID.findall(path.read_bytes())}
    return tuple(sorted(found))
