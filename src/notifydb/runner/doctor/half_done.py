"""Objects that are there and do not work in full: INVALID indexes, constraints that are NOT VALID."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from notifydb.findings import Severity
from notifydb.postgres.dialect import quote, suffixed
from notifydb.postgres.health import InvalidIndex, Unvalidated
from notifydb.runner.doctor.ailment import Ailment, sql
from notifydb.runner.doctor.examine import Examined
from notifydb.runner.doctor.purges import is_of_a_purge

_REINDEXED: Final = re.compile(r"_cc(new|old)\d*\"?$")
_UNUSED: Final = (
    "every write keeps it up to date, no query uses it, and IF NOT EXISTS takes it for the real one"
)


def invalid_indexes(found: Examined) -> Iterator[Ailment]:
    """What a failed CREATE INDEX CONCURRENTLY or REINDEX CONCURRENTLY left."""
    for index in found.health.indexes:
        if is_of_a_purge(index.name):
            continue
        what = f"index {index.name} on {index.table} is INVALID"
        if index.builder is not None:
            why = f"a session builds it just now (pid {index.builder}); ask again when that is over"
            yield Ailment("invalid-indexes", what, why, (), severity=Severity.INFO)
        else:
            mend, otherwise, reason = _mend(found, index)
            yield Ailment("invalid-indexes", what, f"{reason}{_duplicates(index)}", mend, otherwise)


def _mend(found: Examined, index: InvalidIndex) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    reindex = sql(f"REINDEX INDEX CONCURRENTLY {index.name}")
    drop = sql(f"DROP INDEX CONCURRENTLY {index.name}")
    if match := _REINDEXED.search(index.name):
        left = "half built" if match[1] == "new" else "the one that was replaced"
        return drop, (), f"a REINDEX CONCURRENTLY left it behind, {left}: {_UNUSED.partition(', and')[0]}"
    if index.is_partitioned:
        return _attached(index), (), "it is valid when each partition has its part of it"
    if (maker := _pending_maker(found, index)) is not None:
        revision, definition = maker
        why = f"a concurrent build of it failed, and {revision}, which makes it, is pending: {_UNUSED}"
        if definition in (None, index.definition):
            return ("notifydb upgrade",), (*drop, "notifydb upgrade"), why
        return (*drop, "notifydb upgrade"), (), f"{why}; the pending one is another: {definition}"
    why = f"a concurrent build of it failed: {_UNUSED}"
    if isinstance(found.replayed, str):
        return reindex, drop, why
    expected = found.replayed.expected.get(("index", index.name))
    if expected is None:
        return drop, reindex, f"{why}; no migration makes it"
    return (
        (reindex, (), why) if expected == index.definition else (drop, (), f"{why}; it is not the history's")
    )


def _pending_maker(found: Examined, index: InvalidIndex) -> tuple[str, str | None] | None:
    """The pending revision that makes an index of that name, and how; without a replay, the one that names it."""
    if isinstance(found.replayed, str):
        name = re.compile(rf"\b{re.escape(_bare(index.name))}\b")
        named = (
            each.id for each in found.status.pending if name.search(each.path.read_text(encoding="utf-8"))
        )
        revision = next(named, None)
        return None if revision is None else (revision, None)
    for step in found.replayed.pending:
        for change in step.changes:
            if (change.kind, change.name) == ("index", index.name) and change.actual is not None:
                return step.revision, change.actual
    return None


def _bare(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


def _attached(index: InvalidIndex) -> tuple[str, ...]:
    """Each partition's part, built concurrently and attached."""
    found: list[str] = []
    for partition in index.bare_partitions:
        schema, _, _ = partition.rpartition(".")
        part = quote(suffixed(_bare(partition), _bare(index.name)))
        build = re.sub(
            r"INDEX \S+ ON ONLY \S+", f"INDEX CONCURRENTLY {part} ON {partition}", index.definition
        )
        found += [build, f"ALTER INDEX {index.name} ATTACH PARTITION {schema}.{part}"]
    return sql(*found)


def _duplicates(index: InvalidIndex) -> str:
    """A unique index fails on rows that are equal: the query that finds them."""
    if not index.is_unique or _REINDEXED.search(index.name):
        return ""
    keys = ", ".join(index.keys)
    filled = " AND ".join(f"{key} IS NOT NULL" for key in index.keys)
    where = f"{filled} AND ({index.predicate})" if index.predicate else filled
    equal = f"SELECT {keys}, count(*) FROM {index.table} WHERE {where} GROUP BY {keys} HAVING count(*) > 1"  # noqa: S608
    return f"\nit is unique, and is not built while this finds rows: {equal};"


def unvalidated_constraints(found: Examined) -> Iterator[Ailment]:
    """Constraints that the history has validated by now; those that it leaves NOT VALID are notes."""
    replayed = found.replayed
    if isinstance(replayed, str):
        return
    for each in found.health.constraints:
        what = f"constraint {each.name} on {each.owner} is NOT VALID"
        if each.key in replayed.unvalidated:
            why = "the history leaves it so: it holds for new rows, and the old ones were never checked"
            yield Ailment("unvalidated-constraints", what, why, sql(each.validate), severity=Severity.INFO)
        elif not _is_extra(found, each):
            why = "the history has validated it: rows from before it was added are not checked here"
            yield Ailment("unvalidated-constraints", what, why, sql(each.validate))


def _is_extra(found: Examined, constraint: Unvalidated) -> bool:
    """Whether the history does not have it at this revision: then it is told as such."""
    assert not isinstance(found.replayed, str)
    return any(
        each.kind == "constraint" and each.expected is None and each.actual is not None
        and each.actual.startswith(constraint.definition) and each.name.endswith(f".{constraint.name}")
        for each in found.replayed.drift
    )  # fmt: skip
