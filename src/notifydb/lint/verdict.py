"""Whether the trace confirms what the text made a rule suspect."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Literal

from notifydb.findings import Finding
from notifydb.lint.rule import Claim, Rule
from notifydb.lint.statement import Statement
from notifydb.lint.trace import Trace, TracedLock
from notifydb.sql.facts import Relation
from notifydb.sql.locks import LockMode

Verdict = Literal["confirmed", "refuted", "open"]


def judge(
    finding: Finding, rule: Rule, statement: Statement, tables: Sequence[Relation]
) -> tuple[Finding, Verdict]:
    """The finding with what was measured, and the verdict; the statement is about `tables`.

    The verdict stays open where nothing was run, where the rule claims nothing that a run would show, and
    where the tables held no rows, because then no scan proves nothing.
    """
    if statement.failure is not None:
        return _judge_failure(finding, rule, statement)
    trace = statement.trace
    if trace is None:
        return finding, "open"
    measured = evidence(finding, trace)
    decide = _DECISIONS.get(rule.claim)
    verdict: Verdict = decide(trace, rule, tables) if decide else "open"
    if verdict == "confirmed":
        return dataclasses.replace(measured, status="confirmed"), verdict
    return measured, verdict


def evidence(finding: Finding, trace: Trace) -> Finding:
    """The finding with the locks that were held meanwhile, the rows and the time of the trace."""
    scanned = None if trace.scanned is None else sum(trace.scanned.values())
    locks = {lock.relation: lock for lock in sorted((*trace.held, *trace.locks), key=lambda lock: lock.mode)}
    shown = sorted(filter(_matters, locks.values()), key=lambda lock: (-lock.mode, str(lock.relation)))
    return dataclasses.replace(
        finding,
        locks=tuple(lock.as_finding() for lock in shown),
        waits=_waits(trace, shown),
        rows_scanned=scanned,
        rewrites=tuple(str(relation) for relation in trace.rewritten),
        duration_ms=round(trace.duration_ms, 3),
    )


def _waits(trace: Trace, locks: Sequence[TracedLock]) -> str | None:
    """Who waits for the strongest of the locks, or for the rows that were changed; None: nobody does."""
    blocking = next((lock for lock in locks if not lock.is_index and lock.mode >= LockMode.SHARE), None)
    if blocking is not None:
        return blocking.mode.waits.replace("the table", str(blocking.relation))
    if trace.changed:
        return f"whoever changes the same rows of {', '.join(map(str, trace.changed))} waits for the commit"
    return None


def _matters(lock: TracedLock) -> bool:
    """What reads take is left out, and what every statement takes on a table's indexes."""
    return lock.mode >= (LockMode.SHARE if lock.is_index else LockMode.ROW_EXCLUSIVE)


def _judge_failure(finding: Finding, rule: Rule, statement: Statement) -> tuple[Finding, Verdict]:
    assert statement.failure is not None
    if rule.claim is Claim.FAILURE:
        message = f"{finding.message} On the shadow: {statement.failure.message:.200}."
        return dataclasses.replace(finding, message=message, status="confirmed"), "confirmed"
    return finding, "open"


def _lock(trace: Trace, rule: Rule, tables: Sequence[Relation]) -> Verdict:
    modes = [mode for mode in map(trace.lock_on, tables) if mode is not None]
    if any(rule.lock is None or mode >= rule.lock for mode in modes):
        return "confirmed"
    return "open" if trace.sampled or not tables else "refuted"


def _scan(trace: Trace, _rule: Rule, tables: Sequence[Relation]) -> Verdict:
    if trace.scanned is None:
        return "open"
    if any(is_scan(trace, table) for table in tables):
        return "confirmed"
    return "refuted" if _could_show(trace, tables) else "open"


def is_scan(trace: Trace, table: Relation) -> bool:
    """A tenth of the rows or more: a few that an index finds make nobody wait."""
    return (trace.scanned_on(table) or 0) > (trace.rows_of(table) or 0) / 10


def _rewrite(trace: Trace, _rule: Rule, tables: Sequence[Relation]) -> Verdict:
    if any(map(trace.is_rewritten, tables)):
        return "confirmed"
    return "refuted" if _could_show(trace, tables) else "open"


def _change(trace: Trace, _rule: Rule, tables: Sequence[Relation]) -> Verdict:
    if trace.changed is None:
        return "open"
    if any(trace.changed_on(table) for table in tables):
        return "confirmed"
    return "refuted" if _could_show(trace, tables) else "open"


def _failure(trace: Trace, _rule: Rule, tables: Sequence[Relation]) -> Verdict:
    """A statement that is about no table has shown by running that it can."""
    return "refuted" if not tables or _could_show(trace, tables) else "open"


def _could_show(trace: Trace, tables: Sequence[Relation]) -> bool:
    """Whether there were rows to be scanned at all."""
    return trace.filled and bool(tables) and all((trace.rows_of(table) or 0) > 0 for table in tables)


_DECISIONS: dict[Claim, Callable[[Trace, Rule, Sequence[Relation]], Verdict]] = {
    Claim.LOCK: _lock,
    Claim.SCAN: _scan,
    Claim.REWRITE: _rewrite,
    Claim.CHANGE: _change,
    Claim.FAILURE: _failure,
}
