"""Which tables a migration locks, for how long, and what it does with their rows."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

from notifydb.lint.context import RevisionContext
from notifydb.lint.options import Options
from notifydb.lint.sizing import estimate, is_whole
from notifydb.lint.statement import Execution, Statement
from notifydb.lint.trace import Trace
from notifydb.lint.verdict import is_scan
from notifydb.postgres.sizes import TableSize
from notifydb.sql.facts import CreateTable, Relation
from notifydb.sql.locks import LockMode

#: A table by schema and name, and a transaction.
Place = tuple[tuple[str, str], int | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Touched:
    """A table that was there before, and the strongest lock on it in one transaction.

    `transaction` is its number, None for the statements outside of any. `size` is that of the target database,
    None where it has no such table: then a migration before this one makes it. `held_ms` is how long the lock is
    held there, None where nobody knows.
    """

    table: Relation
    lock: LockMode
    transaction: int | None
    size: TableSize | None
    held_ms: float | None = None
    rewritten: bool = False
    scanned: bool = False
    changed: bool = False

    @property
    def blocks(self) -> bool:
        """Whether reads or writes wait for the lock."""
        return self.lock >= LockMode.SHARE


def touched(context: RevisionContext) -> tuple[Touched, ...]:
    """The strongest lock first, then the largest table; what only reads a few rows is left out."""
    sent = [
        tuple(those) for _, those in itertools.groupby(context.statements, lambda each: id(each.execution))
    ]
    found: dict[Place, Touched] = {}
    for number, statements in enumerate(sent):
        execution = statements[0].execution
        held = _held([each[0].execution for each in sent[number:]], context.options)
        for table, mode in _locks(statements, context):
            size = context.options.size_of(table)
            new = Touched(table, mode, execution.transaction, size, held)
            place = (table.key, execution.transaction)
            found[place] = _stronger(found.get(place), new)
        if execution.trace is not None:
            found |= _worked(found, execution, execution.trace)
    return tuple(sorted(filter(_matters, found.values()), key=_weight))


def _stronger(known: Touched | None, new: Touched) -> Touched:
    """Within a transaction the first of its strength lasts longest; outside, each is given back at once."""
    if known is None:
        return new
    if new.lock > known.lock:
        return dataclasses.replace(known, lock=new.lock, held_ms=new.held_ms)
    if new.lock < known.lock or new.transaction is not None:
        return known
    longest = None if None in (known.held_ms, new.held_ms) else max(known.held_ms or 0, new.held_ms or 0)
    return dataclasses.replace(known, held_ms=longest)


def _locks(statements: Sequence[Statement], context: RevisionContext) -> Iterator[tuple[Relation, LockMode]]:
    """Those that were seen; the documented ones where nothing was run, or a short lock can have been missed."""
    trace = statements[0].trace
    if trace is not None:
        yield from ((trace.whole(lock.relation), lock.mode) for lock in trace.locks if not lock.is_index)
    if trace is None or trace.sampled:
        for statement in statements:
            made = {fact.relation.key for fact in statement.each(CreateTable)}
            for lock in context.locks(statement):
                if lock.relation.key not in made and not context.is_new(lock.relation, statement):
                    yield context.original(lock.relation, statement), lock.mode


def _held(executions: Sequence[Execution], options: Options) -> float | None:
    """Milliseconds from the first of these to the end of its transaction."""
    first = executions[0]
    within = [each for each in executions if each.transaction == first.transaction]
    costs = [_cost(each.trace, options) for each in (within if first.transaction is not None else [first])]
    return None if None in costs else sum(each for each in costs if each is not None)


def _cost(trace: Trace | None, options: Options) -> float | None:
    """Milliseconds in the target; None where it grows with a large table, and nobody knows how much."""
    if trace is None:
        return None
    large = [table for table in trace.worked_on if ".".join(table.key) in options.large]
    if any(is_whole(trace, table) for table in large):
        return estimate(trace, options)
    return trace.duration_ms


def _worked(found: Mapping[Place, Touched], execution: Execution, trace: Trace) -> dict[Place, Touched]:
    return {
        place: dataclasses.replace(
            each,
            rewritten=each.rewritten or trace.is_rewritten(each.table),
            scanned=each.scanned or is_scan(trace, each.table),
            changed=each.changed or bool(trace.changed_on(each.table)),
        )
        for place, each in found.items()
        if each.transaction == execution.transaction
    }


def _matters(table: Touched) -> bool:
    return table.lock >= LockMode.ROW_EXCLUSIVE or table.rewritten or table.scanned or table.changed


def _weight(table: Touched) -> tuple[int, int, str]:
    return (-table.lock, -(table.size.rows if table.size else 0), str(table.table))
