"""The last transaction of a purge, often the only one: lock, plan again, delete, prove, record, commit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from notifydb import errors
from notifydb.guard import Permit
from notifydb.postgres import ledger, own
from notifydb.postgres.relations import TableName, literal, quoted
from notifydb.purge import journal
from notifydb.purge.archive import Content
from notifydb.purge.closure import Closure
from notifydb.purge.disobeyed import require_none, suspecting
from notifydb.purge.events import Deleted, Deleting, Detached, Listener, Proved, Reading
from notifydb.purge.order import deletion_order
from notifydb.purge.planned import Plan
from notifydb.purge.prove import prove, touched
from notifydb.purge.record import Record, Taker
from notifydb.purge.relation import DETACHING, Policy, Relation
from notifydb.purge.session import transaction
from notifydb.purge.survey import Survey, survey


@dataclasses.dataclass(frozen=True, slots=True)
class Sealed:
    """What the last transaction has done, by table in the order of deletion."""

    tables: tuple[tuple[str, int], ...]
    detached: tuple[tuple[str, int], ...]


def seal(
    conn: sa.Connection,
    permit: Permit,
    plan: Plan,
    record: Record,
    tell: Listener,
    *,
    exact: bool,
    drained: Mapping[str, int],
) -> Sealed:
    """Deletes what is left of the plan, or nothing at all; `drained` are the rows that batches have deleted.

    With `exact`, no row more or less may be there than was planned. Raises Refused when the plan is blocked
    now, when other users or rules would be purged than planned, or when the database says that it is something
    else than the permit; ProofFailed when more or less would have happened; Unavailable to be tried again.
    """
    with record.taking(conn) as taker, transaction(conn, "READ COMMITTED"):
        own.check_still(conn, permit)
        run = _Seal(conn, plan, taker, tell)
        sealed = run.purge(run.plan_again(exact=exact))
        total = {**drained}
        for name, rows in sealed.tables:
            total[name] = total.get(name, 0) + rows
        journal.finish(conn, record.id, prefix=plan.prefix, rows=sum(total.values()))
        ledger.record(conn, _entry(plan, record, total, sealed, time.monotonic() - run.began))
        # Once more, under the locks: the mark may have turned meanwhile.
        own.check_still(conn, permit)
        taker.close_books()
    return sealed


class _Seal:
    """One attempt, inside its transaction."""

    def __init__(self, conn: sa.Connection, plan: Plan, taker: Taker, tell: Listener) -> None:
        self.conn = conn
        self.plan = plan
        self.taker = taker
        self.tell = tell
        self.began = time.monotonic()

    def plan_again(self, *, exact: bool) -> Survey:
        """The plan of the same rows, which are locked now; raises Refused when they are others."""
        # Checks of deferrable keys wait until all of it is done.
        self.conn.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
        found = survey(
            self.conn,
            self.plan.settings,
            self.plan.prefix,
            lock=True,
            reading=lambda table: self.tell(Reading(table)),
            known=self.plan.scene.proofs,
            drained=self.plan.strategy.batched,
        )
        require_same(self.plan, found.plan, exact=exact)
        return found

    def purge(self, found: Survey) -> Sealed:
        before = touched(self.conn)
        detached = tuple(self._detach(found))
        deleted = tuple(self._delete(found))
        self.conn.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        began = time.monotonic()
        tables = prove(found.closure, found.plan, before)
        self.tell(Proved(tables, time.monotonic() - began))
        return Sealed(deleted, detached)

    def _detach(self, found: Survey) -> Iterator[tuple[str, int]]:
        planned = {standing.relation: standing for standing in found.plan.standing}
        for relation in found.closure.graph.relations:
            standing = planned.get(str(relation))
            if standing is None or relation.policy not in DETACHING:
                continue
            rows = self._let_go(found.closure, relation, standing.rows)
            self.tell(Detached(str(relation), rows))
            yield str(relation), rows

    def _let_go(self, closure: Closure, relation: Relation, rows: int) -> int:
        """What lets go is archived as it was; the server does it by itself where the key says so."""
        table = closure.catalog.tables[relation.child]
        changed, now = relation.lets_go_by, self._values_now(relation)
        key = table.primary_key or tuple(name for name in table.written if name not in changed)
        content = Content(table.name, (*key, *changed), "values", len(changed), now)
        where = f"{closure.refers(relation)} AND {closure.stays(relation.child)}"
        self.taker.save(content, f"{table.name.sql} t WHERE {where} FOR UPDATE OF t")
        if relation.policy is Policy.SERVER:
            return rows
        value = "NULL" if relation.reassign_to is None else literal(relation.reassign_to)
        values = ", ".join(f"{quoted(column)} = {value}" for column in changed)
        updated = self.conn.execute(
            sa.text(f"UPDATE {table.name.sql} t SET {values} WHERE {where}")  # noqa: S608
        ).rowcount
        if updated < rows:
            require_none(self.conn, table.name, where, "letting go")
        return updated

    def _values_now(self, relation: Relation) -> tuple[str | None, ...]:
        """What the columns hold, as text, of a row that has let go."""
        if relation.policy is not Policy.SERVER or relation.foreign_key is None:
            return (relation.reassign_to,) * len(relation.lets_go_by)
        defaults = ", ".join(
            f"({default or 'NULL'})::text" for _, default in relation.foreign_key.on_delete_sets
        )
        return tuple(self.conn.execute(sa.text(f"SELECT {defaults}".replace(":", r"\:"))).one())

    def _delete(self, found: Survey) -> Iterator[tuple[str, int]]:
        closure, planned = found.closure, {table.table: table.rows for table in found.plan.tables}
        triggered = [name for name in planned if closure.catalog.tables[name].has_delete_trigger]
        for component in deletion_order(closure.catalog, list(planned)):
            for name in component:
                self.tell(Deleting(name, planned[name]))
            began = time.monotonic()
            with suspecting(triggered):
                counts = self._delete_together(closure, component)
            for name, rows in zip(component, counts, strict=True):
                if rows < planned[name]:
                    require_none(self.conn, name, closure.condition(name), "going")
                self.tell(Deleted(name, rows, time.monotonic() - began))
                yield str(name), rows

    def _delete_together(self, closure: Closure, component: tuple[TableName, ...]) -> tuple[int, ...]:
        """One statement: keys among tables that refer to each other are checked when all of it is gone."""
        tables = closure.catalog.tables
        if len(component) == 1:
            (name,) = component
            return (self.taker.delete(tables[name], closure.condition(name)),)
        for name in component:
            where = f"{name.sql} t WHERE {closure.condition(name)} FOR UPDATE OF t"
            self.taker.save(Content(name, tables[name].written), where)
        deletes = (f"DELETE FROM {name.sql} t WHERE {closure.condition(name)}" for name in component)  # noqa: S608
        steps = ", ".join(f"d{number} AS ({delete} RETURNING 1)" for number, delete in enumerate(deletes))
        counts = ", ".join(f"(SELECT count(*) FROM d{number})" for number in range(len(component)))  # noqa: S608
        return tuple(self.conn.execute(sa.text(f"WITH {steps} SELECT {counts}")).one())


def require_same(planned: Plan, found: Plan, *, exact: bool) -> None:
    """Raises Refused unless the plan that was found is the one that was planned, to the row where `exact`."""
    if found.scope != planned.scope or (exact and found.id != planned.id):
        raise errors.Refused(
            "the purge is refused: the database has changed since it was planned",
            reasons=tuple(_changes(planned, found)),
            hint="plan again",
        )


def _changes(planned: Plan, found: Plan) -> Iterator[str]:
    """In what the two differ, as far as counts tell."""
    before = {table.table: table.rows for table in planned.tables}
    after = {table.table: table.rows for table in found.tables}
    for name in sorted(before.keys() | after.keys()):
        if before.get(name, 0) != after.get(name, 0):
            yield f"{name}: {before.get(name, 0):,} rows were planned, {after.get(name, 0):,} are found"
    yield from (reason for reason in found.blockers if reason not in planned.blockers)
    yield f"plan {planned.id} is now plan {found.id}"


def _entry(
    plan: Plan, record: Record, total: Mapping[str, int], sealed: Sealed, seconds: float
) -> ledger.Entry:
    archive = str(record.folder.absolute()) if record.folder else None
    details = {
        "purge": record.id,
        "plan": plan.id,
        "prefix": plan.prefix,
        "matched": plan.matched,
        "rows": sum(total.values()),
        "tables": dict(total),
        "detached": dict(sealed.detached),
        "archive": archive,
    }
    return ledger.Entry("purge", None, "done", seconds, details=details)
