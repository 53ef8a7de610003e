"""`lint --fix` as a whole: what can be mended, proved, and what is left with its reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence

from notifydb.findings import Finding
from notifydb.fixes.plan import Mend, Plan, mend, plan
from notifydb.fixes.prove import NotProved, Prover
from notifydb.fixes.source import NotFixable


@dataclasses.dataclass(frozen=True, slots=True)
class Left:
    """A finding that could have been mended and is not; `disproved` if it was the shadow that objected."""

    finding: Finding
    reason: str
    disproved: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Mended:
    """What is proved; `plan` is None where nothing is."""

    plan: Plan | None
    left: tuple[Left, ...] = ()

    @property
    def disproved(self) -> bool:
        return any(each.disproved for each in self.left)


def mend_all(
    prover: Prover, findings: Iterable[Finding], listen: Callable[[str], None] = lambda _: None
) -> Mended:
    """Proves the fixes of `findings` together; where that fails, one after the other, each with those before.

    Raises ShadowUnavailable.
    """
    mends: list[Mend] = []
    left: list[Left] = []
    for finding in findings:
        if finding.fix is not None and finding.fix.rewrite is not None:
            try:
                mends.append(mend(finding, prover.workshop))
            except NotFixable as reason:
                left.append(Left(finding, str(reason)))
    if not mends:
        return Mended(None, tuple(left))
    listen(f"proving {len(mends)} of {len(mends)} together")
    whole = _tried(prover, mends)
    if isinstance(whole, Plan):
        return Mended(whole, tuple(left))
    if len(mends) == 1:
        return Mended(None, (*left, dataclasses.replace(whole, finding=mends[0].finding)))
    return _one_by_one(prover, mends, left, listen)


def _one_by_one(
    prover: Prover, mends: Sequence[Mend], left: list[Left], listen: Callable[[str], None]
) -> Mended:
    proved: Plan | None = None
    for number, each in enumerate(mends, start=1):
        listen(f"proving {number}/{len(mends)} {each.finding.rule}")
        tried = _tried(prover, [*(proved.mends if proved else ()), each])
        if isinstance(tried, Plan):
            proved = tried
        else:
            left.append(dataclasses.replace(tried, finding=each.finding))
    return Mended(proved, tuple(left))


def _tried(prover: Prover, mends: Sequence[Mend]) -> Plan | Left:
    try:
        tried = plan(mends, prover.workshop)
        prover.prove(tried)
    except NotFixable as reason:
        return Left(mends[-1].finding, str(reason))
    except NotProved as reason:
        return Left(mends[-1].finding, str(reason), disproved=True)
    return tried
