"""How large the tables of a database are: what is known without asking it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime


@dataclasses.dataclass(frozen=True, slots=True)
class TableSize:
    """Estimates of the server; the bytes are None where the table was never analysed.

    A partitioned table has the sums of its `partitions`, whose number is 0 for any other.
    """

    rows: int
    bytes: int | None = None
    toast_bytes: int | None = None
    index_bytes: int | None = None
    partitions: int = 0

    @property
    def total_bytes(self) -> int | None:
        """The table with all that belongs to it."""
        known = [each for each in (self.bytes, self.toast_bytes, self.index_bytes) if each is not None]
        return sum(known) if known else None


@dataclasses.dataclass(frozen=True, slots=True)
class Sizes:
    """Table sizes by `schema.table`, when they were read, and the server's version (180004 is 18.4)."""

    taken: datetime
    server_version: int
    tables: Mapping[str, TableSize]
