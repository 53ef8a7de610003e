"""What a lint run is told to do."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from notifydb.findings import Severity
from notifydb.sql.facts import Relation

if TYPE_CHECKING:
    from notifydb.postgres.sizes import TableSize

#: With fewer rows the fixed cost of a statement hides what the rows cost.
SAMPLE_ROWS: Final = 20_000


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """How to lint.

    `mode`: `auto` uses the trace where a shadow can be had, `trace` demands it, `static` does without.
    `rows` are put into each existing table that a migration touches. `production` has the real sizes by
    `schema.table`: a table known to have fewer than `small_table_rows` is not worth a finding about locks.
    `imports` lets static mode import the migrations to see their statements. `lock_timeout` is the one that
    the runner sets for every migration (None: it sets none). `head_file` is the file that names the head
    (None: the project does without). `applied` are the SHA-256 of the files that production has applied, `merged`
    the main branch's files that are others here, both by revision. `target_version` is production's major
    version; None: the shadow's.

    `select`, `extend_select`, `ignore` and `severities` hold names of rules or families. `select` None
    stands for all rules that are not opt-in. `per_file` turns rules or families off where its key matches:
    a file name with wildcards, or a range of numbers such as `0001-0300`. `today` ends suppressions that were
    given a last day.
    """

    mode: Literal["auto", "trace", "static"] = "auto"
    rows: int = 1000
    small_table_rows: int = 1000
    production: Mapping[str, TableSize] = dataclasses.field(default_factory=dict)
    imports: bool = True
    lock_timeout: str | None = None
    head_file: Path | None = None
    applied: Mapping[str, str] = dataclasses.field(default_factory=dict)
    merged: Mapping[str, bytes] = dataclasses.field(default_factory=dict)
    target_version: int | None = None
    select: frozenset[str] | None = None
    extend_select: frozenset[str] = frozenset()
    ignore: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = dataclasses.field(default_factory=dict)
    per_file: Mapping[str, frozenset[str]] = dataclasses.field(default_factory=dict)
    today: datetime.date = dataclasses.field(
        default_factory=lambda: datetime.datetime.now(datetime.UTC).date()
    )

    @property
    def notable_rows(self) -> int:
        """So many rows on the shadow stand for a table that is not small: never more than it was given."""
        return max(1, min(self.small_table_rows, self.rows))

    def size_of(self, relation: Relation) -> TableSize | None:
        """What is known of the table in production."""
        schema, name = relation.key
        return self.production.get(f"{schema}.{name}")

    @property
    def large(self) -> frozenset[str]:
        """The tables, by `schema.table`, that have more rows in production than a sample on the shadow."""
        return frozenset(name for name, size in self.production.items() if size.rows > SAMPLE_ROWS)
