"""What speaks against a plan, and what one should know of it: pure functions of what was found."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from notifydb.postgres.relations import TableName
from notifydb.purge.planned import Standing, Unindexed
from notifydb.purge.relation import Policy
from notifydb.settings.model import PurgeSettings

#: The share of a table counts from this size on; that of the root always.
LARGE_TABLE: Final = 10_000
#: Row visits of unindexed checks that take seconds.
_SLOW_CHECKS: Final = 10_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Facts:
    """`rows` that go and `totals` per table; `protected` rows among them.

    `foreign_founders` counts groups that go by the column that names somebody who stays; `unsupported` and
    `doubts` are of the graph; `bound` says of rows that stay why they cannot let go, or could not be put back.
    """

    rows: Mapping[TableName, int]
    totals: Mapping[TableName, int]
    protected: Mapping[TableName, int]
    triggers: tuple[TableName, ...]
    foreign_founders: Mapping[str, int]
    unknown: tuple[str, ...]
    unsupported: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    bound: tuple[str, ...] = ()


def blockers(
    root: TableName, facts: Facts, standing: Sequence[Standing], settings: PurgeSettings
) -> Iterator[str]:
    """Every reason why the plan must not be executed."""
    if facts.rows.get(root, 0) > settings.max_users:
        found, most = facts.rows[root], settings.max_users
        yield f"{found:,} rows of {root} match, more than the {most:,} that may at once"
    for name, total in facts.totals.items():
        share = facts.rows[name] / total
        if share > settings.max_fraction and (name == root or total > LARGE_TABLE):
            yield (
                f"{share:.0%} of the {total:,} rows of {name} would go,"
                f" more than the {settings.max_fraction:.0%} that may at once"
            )
    for name, rows in facts.protected.items():
        yield f"{rows:,} protected {_rows(rows)} of {name} would go"
    yield from facts.unsupported
    yield from facts.bound
    for stays in standing:
        objection = _objection(stays)
        if objection is not None:
            yield objection


def warnings(facts: Facts, standing: Sequence[Standing], unindexed: Sequence[Unindexed]) -> Iterator[str]:
    """What does not stand in the way and may still surprise."""
    for text in facts.unknown:
        yield f"{text} is not in this database"
    yield from facts.doubts
    for founder, rows in facts.foreign_founders.items():
        if rows:
            yield f"{founder}: {rows:,} of the groups that go were made by somebody who stays"
    for found in standing:
        if found.policy is Policy.LEAVE:
            yield f"{found.relation}: {found.rows:,} {_rows(found.rows)} will refer to nothing"
    for key in unindexed:
        if key.row_visits > _SLOW_CHECKS and not key.built:
            yield (
                f"{key.relation} has no index: {key.parent_rows:,} deleted rows each scan"
                f" about {key.child_rows:,} rows"
            )
    for name in facts.triggers:
        yield f"{name} has a trigger on delete; what it changes beyond this plan makes the purge fail"


def _objection(found: Standing) -> str | None:
    rows = f"{found.rows:,} {_rows(found.rows)}"
    match found.policy:
        case Policy.REFUSE | Policy.FOLLOW:
            return f"{found.relation}: {rows} that would stay refer to rows that would go"
        case Policy.SUSPECT:
            return f"{found.relation}: looks like a relation, has no foreign key, and {rows} would be orphans"
        case Policy.NULL if not found.nullable:
            return f"{found.relation}: {rows} cannot let go, the column is NOT NULL"
        case _:
            return None


def _rows(number: int) -> str:
    return "row" if number == 1 else "rows"
