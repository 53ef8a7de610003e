"""Where the stamp and the catalog do not say the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from notifydb.findings import Severity
from notifydb.postgres.catalog import Catalog, Drift
from notifydb.postgres.statements import adopts, mends, rank
from notifydb.runner.doctor import compared
from notifydb.runner.doctor.ailment import Ailment, sql
from notifydb.runner.doctor.examine import Examined, Replayed
from notifydb.runner.doctor.records import put_back
from notifydb.verify.steps import Step

_SHOWN: Final = 5
#: What a refusal may name, and nothing else has to be thought of.
_RESCUES: Final = ("notifydb upgrade --take-back", "notifydb migrate renumber --restamp")


def alembic_version(found: Examined) -> Iterator[Ailment]:
    """Several rows, one that no file has, or none though there are tables."""
    rows = sorted(found.standing.current)
    placed = _place(found)
    stamp = (f"notifydb stamp {placed.revision if placed else 'REVISION'}",)
    seen = placed.why if placed else "which revision's catalog this is was not compared"
    if (refusal := found.standing.refusal()) is not None:
        mend = tuple(each for each in _RESCUES if each in (refusal.hint or ""))[:1]
        ways = [
            mend,
            stamp if placed and placed.is_exact else (),
            (f"git log --all --oneline -- '*{rows[0]}*'",),
        ]
        first, second, *_ = *filter(None, ways), ()
        yield Ailment("alembic-version", refusal.message, f"{seen}\n{refusal.hint}", first, second)
    elif found.status.is_torn:
        what = f"alembic_version holds {len(rows)} rows: {', '.join(rows)}"
        yield Ailment("alembic-version", what, f"no upgrade runs until one is left; {seen}", stamp)
    elif not rows and found.has_tables:
        what = "the database has tables, and alembic_version says that nothing was applied"
        yield Ailment(
            "alembic-version", what, f"an upgrade would begin at the first migration; {seen}", stamp
        )


@dataclasses.dataclass(frozen=True, slots=True)
class _Place:
    """The revision that a catalog is of, or is nearest to."""

    revision: str
    why: str
    is_exact: bool


def _place(found: Examined) -> _Place | None:
    if not found.steps:
        return None
    count, revisions = compared.nearest(found.steps, found.health.catalog)
    entries = () if isinstance(found.entries, str) else found.entries
    ran = {each.revision for each in entries if (each.operation, each.outcome) == ("upgrade", "done")}
    revision = next((each for each in reversed(revisions) if each in ran), revisions[-1])
    alike = ", ".join(each for each in revisions if each != revision)
    also = f", as it is at {alike}: they differ in rows alone" if alike else ""
    if count:
        why = f"the catalog is nearest to that at {revision}{also}, and differs in {_objects(count)}"
        return _Place(revision, why, is_exact=False)
    return _Place(revision, f"the catalog is what the history makes at {revision}{also}", is_exact=True)


def missing_objects(found: Examined) -> Iterator[Ailment]:
    """What the history makes up to the stamped revision, and the database does not have so."""
    replayed = found.replayed
    if isinstance(replayed, str):
        return
    live = found.health.catalog
    wrong = [
        each
        for each in compared.differences(found, replayed)
        if each.expected is not None and not compared.is_ahead(each, replayed.pending)
    ]
    position = compared.undone_from(replayed.past, wrong, live) if wrong else None
    skipped = replayed.past[position:] if position is not None else ()
    if position is not None and not _has_run(found, skipped):
        yield _not_run(replayed, position)
        return
    lost = {each.name for each in wrong if (each.kind, each.actual) == ("table", None)}
    for each in sorted(compared.without_implied(wrong), key=rank):
        if compared.table_of(each) not in lost:
            yield _missing(found, replayed, each, wrong)


def _not_run(replayed: Replayed, position: int) -> Ailment:
    skipped = replayed.past[position:]
    below = replayed.past[position - 1].revision if position else "base"
    changed = sum(len(each.changes) for each in skipped)
    return Ailment(
        "missing-objects",
        f"{_listed(each.revision for each in skipped)} {_were(skipped)} stamped, and nothing of it is there",
        f"the catalog is what the history makes at {below}: {_objects(changed)} would be made or changed since",
        (f"notifydb stamp {below}", "notifydb upgrade"),
    )


def _has_run(found: Examined, steps: Sequence[Step]) -> bool:
    """Whether notifydb has run one of them: then its rows are there, and only objects were taken away."""
    if isinstance(found.entries, str):
        return False
    newest: dict[str | None, str] = {}
    for each in found.entries:
        if each.outcome == "done":
            newest.setdefault(each.revision, each.operation)
    return any(newest.get(step.revision) == "upgrade" for step in steps)


def _missing(found: Examined, replayed: Replayed, drift: Drift, wrong: Sequence[Drift]) -> Ailment:
    """A table that is missing comes with all that is its own."""
    maker = compared.maker_of(drift, replayed.past)
    what = "missing" if drift.actual is None else "not what the history makes"
    title = f"{drift.kind} {drift.name} is {what}"
    why = f"{maker or 'the history'} makes it{_told(found, replayed, drift)}"
    own = [each for each in wrong if drift.kind == "table" and compared.table_of(each) == drift.name]
    parts = sorted(compared.without_implied([drift, *own]), key=rank)
    live = found.health.catalog
    statements = _all_of(adopts(each, live) or mends(each, replayed.expected) for each in parts)
    mend = sql(*statements) if statements else _rerun(found, replayed, maker)
    for edit in found.edits:
        if edit.revision.id == maker and not edit.is_same:
            # What is missing may be the edit itself.
            why += "\nits file was edited after it was applied"
            return Ailment("missing-objects", title, why, put_back(found, edit), mend)
    return Ailment("missing-objects", title, why, mend)


def _told(found: Examined, replayed: Replayed, drift: Drift) -> str:
    if drift.actual is None:
        lost = (
            "; rows that migrations gave it do not come back, and columns stand in the order of their names"
        )
        return lost if drift.kind == "table" else ""
    other = replayed.major != found.health.role.major
    return f"\nexpected: {_line(drift.expected)}\nfound: {_line(drift.actual)}" + (
        f"\nthe shadow is PostgreSQL {replayed.major}, which may print the same in other words"
        if other
        else ""
    )


def _rerun(found: Examined, replayed: Replayed, maker: str | None) -> tuple[str, ...]:
    """Where no SQL is known: the newest migration can run again, of an older one the SQL is shown."""
    if maker is None:
        return ("notifydb check --database",)
    parents = found.history.revisions[maker].down_revisions
    below = parents[0] if parents else "base"
    if maker == replayed.revision:
        return (f"notifydb stamp {below}", "notifydb upgrade")
    return (f"alembic upgrade {below}:{maker} --sql",)


def unstamped_objects(found: Examined) -> Iterator[Ailment]:
    """What pending migrations would make, and is there before they ran."""
    replayed = found.replayed
    if isinstance(replayed, str):
        return
    drift = compared.differences(found, replayed)
    if not any(compared.is_ahead(each, replayed.pending) for each in drift):
        return
    live, pending = found.health.catalog, replayed.pending
    states = [_present(pending, position, live) for position in range(len(pending))]
    done = _ready(pending, states)
    if done:
        yield _unstamped(pending[:done])
    left_open = {revision for _, revision in found.parts}
    for position in range(done, len(pending)):
        if states[position] and pending[position].revision not in left_open:
            yield _half_made(replayed, live, position, states[position], done)


def _present(pending: Sequence[Step], position: int, live: Catalog) -> list[Drift]:
    later = pending[position + 1 :]
    return [each for each in pending[position].changes if compared.is_present(each, live, later)]


def _ready(pending: Sequence[Step], states: Sequence[list[Drift]]) -> int:
    """How many of the first are there in full; what changes no catalog counts before one that is."""
    done = 0
    for position, (step, present) in enumerate(zip(pending, states, strict=True)):
        if len(present) < len(step.changes):
            break
        if present:
            done = position + 1
    return done


def _unstamped(steps: Sequence[Step]) -> Ailment:
    silent = [each.revision for each in steps if not each.changes]
    why = "all that it makes is in the catalog: an upgrade would fail on what exists"
    if silent:
        why += f"; whether {_listed(silent)} has run, which changes rows alone, cannot be seen: look before you stamp"
    what = f"{_listed(each.revision for each in steps if each.changes)} {_were(steps)} run and not stamped"
    return Ailment("unstamped-objects", what, why, (f"notifydb stamp {steps[-1].revision}",))


def _half_made(
    replayed: Replayed, live: Catalog, position: int, present: Sequence[Drift], done: int
) -> Ailment:
    """There in part, or in full before its turn."""
    pending = replayed.pending
    step = pending[position]
    before = () if position == done else (f"notifydb upgrade {pending[position - 1].revision}",)
    stamp = (*before, f"notifydb stamp {step.revision}")
    absent = [each for each in step.changes if each not in present]
    if not absent:
        what = f"{step.revision} was run before its turn, and is not stamped"
        return Ailment("unstamped-objects", what, f"there: {_named(present)}", stamp)
    undo, finish = _undo(replayed, live, present), _finish(replayed, live, position, absent)
    back = (*sql(*undo), "notifydb upgrade") if undo else ()
    on = (*before, *sql(*finish), f"notifydb stamp {step.revision}") if finish else ()
    why = f"there: {_named(present)}; not yet: {_named(absent)}"
    ways = (on, back) if any(each.kind in ("table", "column") for each in present) else (back, on)
    shown = (f"alembic upgrade {replayed.revision or 'base'}:{step.revision} --sql",)
    first, second, *_ = *filter(None, ways), shown, ()
    return Ailment(
        "unstamped-objects",
        f"{step.revision} is pending, and a part of it is there",
        why + ("; rows that it changes are not seen here" if on else ""),
        first,
        second if second != shown else (),
    )


def _undo(replayed: Replayed, live: Catalog, present: Sequence[Drift]) -> tuple[str, ...]:
    """The SQL that takes back what is there; none where one of its parts has none."""
    back = [Drift(each.kind, each.name, each.expected, live.get(compared.key_of(each))) for each in present]
    kept = sorted(compared.without_implied(back, with_tables=True), key=rank, reverse=True)
    return _all_of(mends(each, replayed.expected) for each in kept)


def _finish(replayed: Replayed, live: Catalog, position: int, absent: Sequence[Drift]) -> tuple[str, ...]:
    """The SQL that makes the rest; none where one of its parts has none."""
    after = compared.catalog_after(replayed.expected, replayed.pending[: position + 1])
    rest = [Drift(each.kind, each.name, each.actual, live.get(compared.key_of(each))) for each in absent]
    return _all_of(mends(each, after) for each in sorted(compared.without_implied(rest), key=rank))


def _all_of(found: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    statements = list(found)
    return tuple(each for some in statements for each in some) if all(statements) else ()


def unknown_objects(found: Examined) -> Iterator[Ailment]:
    """What neither the history nor a pending migration makes: a note."""
    replayed = found.replayed
    if isinstance(replayed, str):
        return
    drift = compared.differences(found, replayed)
    extra = [
        each for each in drift if each.expected is None and not compared.is_ahead(each, replayed.pending)
    ]
    if extra:
        kept = list(compared.without_implied(extra, with_tables=True))
        is_are = "is" if len(kept) == 1 else "are"
        yield Ailment(
            "unknown-objects", f"{_objects(len(kept))} {is_are} there that no migration makes",
            _named(kept), ("notifydb check --database",), severity=Severity.INFO,
        )  # fmt: skip


def _named(drifts: Sequence[Drift]) -> str:
    kept = list(compared.without_implied(drifts, with_tables=True))
    names = [f"{each.kind} {each.name}" for each in kept[:_SHOWN]]
    return ", ".join(names) + (f" and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else "")


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    if len(listed) <= _SHOWN:
        return ", ".join(listed)
    return f"{listed[0]} ... {listed[-1]}"


def _were(steps: Sequence[Step]) -> str:
    return "was" if len(steps) == 1 else "were"


def _objects(count: int) -> str:
    return "one object" if count == 1 else f"{count} objects"


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
