"""Proofs inside of the transaction: all of it is gone, nothing dangles, nothing else was touched."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres.relations import TableName
from notifydb.purge.census import at_once
from notifydb.purge.closure import Closure
from notifydb.purge.planned import Plan
from notifydb.purge.relation import DETACHING, Policy

#: What this transaction has done to each table; partitions count for the table that they are of.
_TOUCHED: Final = sa.text(
    """
    SELECT n.nspname, c.relname, sum(s.n_tup_ins)::bigint, sum(s.n_tup_upd)::bigint, sum(s.n_tup_del)::bigint
    FROM pg_stat_xact_user_tables s
    JOIN pg_class c ON c.oid = coalesce(pg_partition_root(s.relid)::oid, s.relid)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'notifydb'
    GROUP BY 1, 2
    """
)


@dataclasses.dataclass(frozen=True, slots=True)
class Touched:
    """Rows of one table that were changed."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __sub__(self, earlier: Touched) -> Touched:
        return Touched(
            self.inserted - earlier.inserted, self.updated - earlier.updated, self.deleted - earlier.deleted
        )


def touched(conn: sa.Connection) -> Mapping[TableName, Touched]:
    """The server's own count for this transaction, and for earlier ones that it has not reported yet.

    Raises ProofFailed when the server does not count.
    """
    if conn.scalar(sa.text("SHOW track_counts")) != "on":
        raise errors.ProofFailed("nothing can be proved: track_counts is off on the server")
    return {TableName(schema, name): Touched(*counts) for schema, name, *counts in conn.execute(_TOUCHED)}


def prove(closure: Closure, plan: Plan, before: Mapping[TableName, Touched]) -> int:
    """The number of tables searched; raises ProofFailed with all that is wrong."""
    children = sorted({relation.child for relation in closure.graph.relations} | set(closure.graph.tables))
    wrong = [*_left(closure, children), *_unplanned(closure, plan, before)]
    if wrong:
        raise errors.ProofFailed(f"the purge did not do what was planned and was undone: {'; '.join(wrong)}")
    return len(children)


def _left(closure: Closure, children: list[TableName]) -> Iterator[str]:
    """Rows of the closure and rows that refer to it, one search per table."""
    searched = {child: condition for child in children if (condition := _doomed(closure, child)) != "(false)"}
    queries = [f"(SELECT count(*) FROM {name.sql} t WHERE {where})" for name, where in searched.items()]  # noqa: S608
    for name, rows in zip(searched, at_once(closure.conn, queries), strict=True):
        if rows:
            yield f"{rows:,} rows of {name} are left over or would be orphans"


def _doomed(closure: Closure, child: TableName) -> str:
    """A condition: the row `t` should have gone, or refers to one that has."""
    dangling = [
        closure.refers(relation)
        for relation in closure.graph.relations
        if relation.child == child
        and relation.policy is not Policy.LEAVE
        and closure.has_rows(relation.parent)
    ]
    return " OR ".join([f"({closure.condition(child)})", *dangling])


def _unplanned(closure: Closure, plan: Plan, before: Mapping[TableName, Touched]) -> Iterator[str]:
    """Rows that a trigger, a rule or a cascade changed beyond the plan."""
    planned = {table.table: table.rows for table in plan.tables}
    detached: dict[TableName, int] = defaultdict(int)
    letting_go = {str(r): r.child for r in closure.graph.relations}
    for found in plan.standing:
        if found.policy in DETACHING:
            detached[letting_go[found.relation]] += found.rows
    for name, counts in touched(closure.conn).items():
        done = counts - before.get(name, Touched())
        wanted = Touched(0, detached.get(name, 0), planned.get(name, 0))
        if done != wanted:
            yield (
                f"{name}: {done.inserted} inserted, {done.updated} updated, {done.deleted} deleted"
                f" instead of {wanted.inserted}, {wanted.updated} and {wanted.deleted}"
            )
