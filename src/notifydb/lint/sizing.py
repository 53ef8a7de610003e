"""How long a statement takes with production's rows: measured with none and with many on the shadow, then scaled.

A scan, a rewrite or an index build grows with the rows and with the bytes of its table, and the shadow's
synthetic rows are narrower than real ones: the mean of both ratios comes nearest. What joins tables has
another plan at another size, and is not estimated. docs/lint-sizes.md has how near it comes.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from notifydb.findings import Finding
from notifydb.lint.options import SAMPLE_ROWS, Options
from notifydb.lint.statement import Execution
from notifydb.lint.trace import Sample, Trace
from notifydb.sql.facts import Relation

#: The machine is busy with other things, too: the fastest of so many runs counts.
SAMPLES: Final = 2
#: The share of the rows that has to be read or changed for the whole table to be meant.
_WHOLE: Final = 0.9
#: What differs by less from the fixed cost has not been measured.
_NOISE: Final = 0.25

Key = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """What the tables of a shadow hold, by schema and name; the bytes are the heap's."""

    rows: Mapping[Key, int]
    bytes: Mapping[Key, int]


def samples_of(executions: Sequence[Execution], large: Collection[str]) -> Mapping[Key, int]:
    """The `large` tables that are worked on, and how many rows each gets for a sample."""
    traces = [each.trace for each in executions if each.trace]
    worked = [table.key for trace in traces for table in trace.worked_on]
    return {key: SAMPLE_ROWS for key in worked if ".".join(key) in large}


def with_samples(
    executions: Sequence[Execution],
    empty: Sequence[Execution],
    runs: Sequence[Sequence[Execution]],
    held: Held,
) -> tuple[Execution, ...]:
    """The executions with what the same calls took without rows and with many, as long as the runs are alike."""
    found = list(executions)
    for number, calls in enumerate(zip(executions, empty, *runs, strict=False)):
        traces = [each.trace for each in calls if each.trace]
        if len(traces) < len(calls) or len({each.frames for each in calls}) > 1:
            break
        trace, first, *rest = traces
        fastest = min(each.duration_ms for each in rest)
        # A few rows cost next to nothing, too.
        sample = Sample(fastest, min(first.duration_ms, trace.duration_ms), held.rows, held.bytes)
        found[number] = dataclasses.replace(calls[0], trace=dataclasses.replace(trace, sample=sample))
    return tuple(found)


def scaled(finding: Finding, trace: Trace | None, tables: Sequence[Relation], options: Options) -> Finding:
    """The finding with production's rows of the table that it is about, and the time of the statement there.

    `tables` are those that the statement is about, where no trace tells which it works on.
    """
    worked = trace.worked_on if trace else ()
    sizes = [size for size in map(options.size_of, worked or tables) if size is not None]
    return dataclasses.replace(
        finding,
        production_rows=max((size.rows for size in sizes), default=None),
        estimate_ms=estimate(trace, options) if trace else None,
    )


def estimate(trace: Trace, options: Options) -> float | None:
    """How many milliseconds it takes in production.

    None unless the whole of one table is worked on, whose size is known and larger than here.
    """
    sample = trace.sample
    if sample is None or trace.sampled or len(trace.worked_on) != 1:
        return None
    (table,) = trace.worked_on
    size, rows, bytes_ = options.size_of(table), sample.rows.get(table.key, 0), sample.bytes.get(table.key, 0)
    if size is None or not is_whole(trace, table) or not bytes_ or not SAMPLE_ROWS <= rows < size.rows:
        return None
    grown = sample.duration_ms - sample.empty_ms
    if grown < sample.empty_ms * _NOISE:
        return None
    by_rows = size.rows / rows
    by_bytes = size.bytes / bytes_ if size.bytes else by_rows
    return round(sample.empty_ms + grown * math.sqrt(by_rows * by_bytes), 1)


def is_whole(trace: Trace, relation: Relation) -> bool:
    """Whether all of the table was read or written; a few rows by an index do not grow with the table."""
    rows = trace.rows_of(relation) or 0
    changed = trace.changed_on(relation) or 0
    if changed:
        return changed >= rows * _WHOLE
    return trace.is_rewritten(relation) or (trace.scanned_on(relation) or 0) >= rows * _WHOLE
