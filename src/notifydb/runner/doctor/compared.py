"""What a database differs in from its replay, sorted by what explains it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from notifydb.postgres.catalog import Catalog, Drift, is_same
from notifydb.runner.doctor.examine import Examined, Replayed
from notifydb.runner.doctor.purges import is_of_a_purge
from notifydb.verify.steps import Step

Key = tuple[str, str]
_KEYS = ("PRIMARY KEY", "UNIQUE", "EXCLUDE")
_OWNED = ("column", "constraint", "trigger", "policy", "comment")
_ON = re.compile(r"^CREATE (?:UNIQUE )?INDEX \S+ ON (?:ONLY )?(\S+) USING")
_UNVALIDATED = " NOT VALID (not validated)"


def key_of(drift: Drift) -> Key:
    return (drift.kind, drift.name)


def differences(found: Examined, replayed: Replayed) -> list[Drift]:
    """What differs, without what is told by itself: INVALID indexes, those of purges, constraints to be validated."""
    invalid = {("index", each.name) for each in found.health.indexes}
    return [
        each
        for each in replayed.drift
        if key_of(each) not in invalid and not _is_unvalidated(each) and not _is_of_a_purge(each)
    ]


def _is_of_a_purge(drift: Drift) -> bool:
    return drift.kind == "index" and is_of_a_purge(drift.name)


def _is_unvalidated(drift: Drift) -> bool:
    return drift.kind == "constraint" and is_same(
        drift.expected, (drift.actual or "").removesuffix(_UNVALIDATED)
    )


def is_ahead(drift: Drift, pending: Sequence[Step]) -> bool:
    """Whether a pending migration would make what is there."""
    return any(
        is_same(change.actual, drift.actual)
        for step in pending
        for change in step.changes
        if key_of(change) == key_of(drift)
    )


def is_present(change: Drift, live: Catalog, later: Sequence[Step]) -> bool:
    """Whether a change is there already, as it is made or as the steps of `later` have made it since."""
    now = live.get(key_of(change))
    if is_same(now, change.expected):
        return False
    states = (each.actual for step in later for each in step.changes if key_of(each) == key_of(change))
    return any(is_same(now, state) for state in (change.actual, *states))


def undone_from(past: Sequence[Step], wrong: Iterable[Drift], live: Catalog) -> int | None:
    """The position from which on no step of `past` has left anything, where that explains all that is wrong."""
    keys = {key_of(each) for each in wrong}
    before: dict[Key, str | None] = {}
    for position in reversed(range(len(past))):
        before |= {key_of(each): each.expected for each in past[position].changes}
        if keys <= before.keys() and all(is_same(live.get(key), was) for key, was in before.items()):
            return position
    return None


def maker_of(drift: Drift, past: Sequence[Step]) -> str | None:
    """The last migration that made it what is expected."""
    for step in reversed(past):
        if any(
            key_of(each) == key_of(drift) and is_same(each.actual, drift.expected) for each in step.changes
        ):
            return step.revision
    return None


def catalog_after(before: Catalog, steps: Iterable[Step]) -> Catalog:
    """The catalog when `steps` have run."""
    found = dict(before)
    for step in steps:
        for change in step.changes:
            if change.actual is None:
                found.pop(key_of(change), None)
            else:
                found[key_of(change)] = change.actual
    return found


def nearest(steps: Sequence[Step], live: Catalog) -> tuple[int, tuple[str, ...]]:
    """How many objects differ from the replay that is nearest, and the revisions that are so near."""
    state: dict[Key, str | None] = {}
    near: dict[int, list[str]] = {}
    objects = {key: text for key, text in live.items() if key[0] not in ("schema", "extension")}
    different = set(objects)
    for step in steps:
        for change in step.changes:
            key = key_of(change)
            if key[0] in ("schema", "extension"):
                continue
            state[key] = change.actual
            (different.discard if is_same(change.actual, objects.get(key)) else different.add)(key)
        near.setdefault(len(different), []).append(step.revision)
    least = min(near)
    return least, tuple(near[least])


def without_implied(drifts: Sequence[Drift], *, with_tables: bool = False) -> Iterator[Drift]:
    """Leaves out what comes and goes with another of them.

    A constraint has its index, an identity column its sequence, a table its columns; with `with_tables`
    everything that is the table's.
    """
    texts = {key_of(each): each.expected or each.actual or "" for each in drifts}
    tables = {name for kind, name in texts if kind == "table"}
    implied = set(_implied(texts))
    for each in drifts:
        goes = table_of(each) in tables and (with_tables or each.kind == "column")
        if key_of(each) not in implied and not goes:
            yield each


def _implied(texts: Mapping[Key, str]) -> Iterator[Key]:
    for (kind, name), text in texts.items():
        table, _, last = name.rpartition(".")
        if kind == "constraint" and text.startswith(_KEYS):
            yield ("index", f"{table.rpartition('.')[0]}.{last}")
        if kind == "column" and text.endswith((" a", " d")):
            yield from ((k, n) for k, n in texts if k == "sequence" and n.startswith(f"{table}_{last}_seq"))


def table_of(drift: Drift) -> str | None:
    """The table that it belongs to; None for what stands by itself."""
    if drift.kind in _OWNED:
        return ".".join(drift.name.split(".")[:2])
    if drift.kind == "index" and (match := _ON.match(drift.expected or drift.actual or "")):
        return match[1]
    return None
