"""How many rows of a table go, and by what: one pass over each, and one statement for as many as are asked together."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from notifydb.postgres.relations import TableName
from notifydb.purge.relation import Relation

#: A query has at most 1,664 columns.
_TOGETHER: Final = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Census:
    """How many rows a table has and how many of them go, how many of these by each relation, and how many are
    protected; `standing` are those that stay and refer to rows that go, by relation.

    `total` is 0 where nothing was to be looked for.
    """

    total: int = 0
    rows: int = 0
    protected: int = 0
    by_relation: tuple[tuple[Relation, int], ...] = ()
    standing: tuple[tuple[Relation, int], ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table, as conditions on its row `t`.

    By each of `owners` a row goes, by each of `others` it refers to one that does; `goes` says whether it does,
    where that is known of the row itself.
    """

    table: TableName
    owners: tuple[tuple[Relation, str], ...]
    others: tuple[tuple[Relation, str], ...]
    protected: str
    goes: str | None

    @property
    def sql(self) -> str:
        """A query for one row, an array of counts; the table is read once."""
        by_owner = {f"r{number}": condition for number, (_, condition) in enumerate(self.owners)}
        by_other = {f"s{number}": condition for number, (_, condition) in enumerate(self.others)}
        goes = {} if self.goes is None else {"goes": self.goes}
        columns = {"protected": self.protected, **goes, **by_owner, **by_other}
        # Told apart below the aggregates, where the planner expects to ask once per row and hashes the keys.
        rows = ", ".join(f"{condition} AS {column}" for column, condition in columns.items())
        going = " OR ".join(goes or by_owner) or "false"
        filters = (
            going,
            f"({going}) AND protected",
            *by_owner,
            *(f"{flag} AND ({going}) IS NOT TRUE" for flag in by_other),
        )
        counts = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in filters)
        return f"SELECT ARRAY[count(*), {counts}] FROM (SELECT {rows} FROM {self.table.sql} t OFFSET 0) t"  # noqa: S608

    def census(self, counts: Sequence[int]) -> Census:
        """What the answer says."""
        total, rows, protected, *more = counts
        split = len(self.owners)
        return Census(
            total,
            rows,
            protected,
            tuple((relation, count) for (relation, _), count in zip(self.owners, more[:split], strict=True)),
            tuple((relation, count) for (relation, _), count in zip(self.others, more[split:], strict=True)),
        )


def ask(conn: sa.Connection, questions: Sequence[Question], parameters: Mapping[str, object]) -> list[Census]:
    """The answers, in the order of the questions."""
    answers = at_once(conn, [f"({each.sql})" for each in questions], parameters)
    return [each.census(counts) for each, counts in zip(questions, answers, strict=True)]


def at_once(
    conn: sa.Connection, queries: Sequence[str], parameters: Mapping[str, object] | None = None
) -> list[Any]:
    """The one value that each of the queries in parentheses gives, in few statements."""
    found: list[Any] = []
    for start in range(0, len(queries), _TOGETHER):
        together = ", ".join(queries[start : start + _TOGETHER])
        found += conn.execute(sa.text(f"SELECT {together}"), parameters or {}).one()
    return found
