"""Puts back what a purge has deleted, from its archives: all of it in one transaction, or nothing."""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import sqlalchemy as sa

from notifydb import errors
from notifydb.guard import Operation, Permit
from notifydb.postgres import ledger, own
from notifydb.postgres.advisory import advisory_lock
from notifydb.postgres.connect import driver_of, own_engine, plain
from notifydb.postgres.patience import Terms
from notifydb.postgres.relations import Catalog, Table, TableName, literal, quoted, read_catalog
from notifydb.purge import journal
from notifydb.purge.archive import Content
from notifydb.purge.archive_read import Manifest, read_manifest, text_of
from notifydb.purge.events import Committed, Listener, Restored, Triggered, Waiting
from notifydb.purge.misfits import other_schema, refusing
from notifydb.purge.onlooker import Onlooker
from notifydb.purge.order import deletion_order
from notifydb.purge.prove import Touched, touched
from notifydb.purge.retrying import patiently
from notifydb.purge.rewriting import rewriting
from notifydb.purge.session import RESTORE, session, transaction
from notifydb.purge.settled import Part, parts_of


@dataclasses.dataclass(frozen=True, slots=True)
class Restoration:
    """What was put back, or with a dry run would be, by table; `values` are rows that refer to others again."""

    purges: tuple[str, ...]
    rows: int
    tables: tuple[tuple[str, int], ...]
    values: tuple[tuple[str, int], ...]
    dry_run: bool
    seconds: float


def restore(
    url: str,
    permit: Permit,
    folders: Sequence[Path],
    terms: Terms,
    *,
    dry_run: bool = False,
    lock_wait: float = 60,
    listen: Listener | None = None,
) -> Restoration:
    """Restores the archives in `folders`; with `dry_run` does all of it, and rolls back.

    Raises UsageError for what is no archive, ProofFailed for a damaged one, Refused where it was restored
    already, would overwrite something, or lacks what it refers to; Unavailable to be tried again.
    """
    permit.require(Operation.RESTORE, permit.database, rehearsal=dry_run)
    tell, manifests = listen or (lambda _: None), tuple(read_manifest(folder) for folder in folders)
    engine = own_engine(url)

    def attempt() -> Restoration:
        with (
            session(engine, terms.lock_timeout, RESTORE) as conn,
            transaction(conn, "READ COMMITTED") as begun,
        ):
            own.check_still(conn, permit)
            done = _Restore(conn, manifests, tell).run(dry_run=dry_run)
            # Once more, now that all of it is done: the mark may have turned meanwhile.
            own.check_still(conn, permit)
            if dry_run:
                begun.rollback()
        return done

    with advisory_lock(url, wait=lock_wait, waiting=lambda holder: tell(Waiting(holder))):
        done = patiently(attempt, terms, tell, Onlooker(engine, RESTORE, terms.lock_timeout))
    if not dry_run:
        tell(Committed(done.rows, done.seconds))
    return done


@dataclasses.dataclass(frozen=True, slots=True)
class _Work:
    """What is to be put back: `rows` by table, these in an `order` with parents first, and then `values` of rows that
    had let go, each part with the temporary table that it goes through.

    `rings` are those of the tables that refer to each other.
    """

    rows: Mapping[TableName, list[Part]]
    order: Sequence[tuple[TableName, ...]]
    rings: Mapping[TableName, str]
    values: Sequence[tuple[Part, str]]


class _Restore:
    """One attempt, inside its transaction."""

    def __init__(self, conn: sa.Connection, manifests: Sequence[Manifest], tell: Listener) -> None:
        self.conn = conn
        self.manifests = manifests
        self.tell = tell
        self.catalog: Catalog = read_catalog(conn)
        self.numbers: Iterator[int] = itertools.count()

    def run(self, *, dry_run: bool) -> Restoration:
        began = time.monotonic()
        work = self._prepared(parts_of(self.conn, self.manifests))
        self._warn(work)
        before = touched(self.conn)
        rows, values = self._put_all_back(work)
        self._prove(before, rows, values)
        done = Restoration(
            tuple(manifest.purge for manifest in self.manifests),
            sum(rows.values()),
            tuple((str(name), count) for name, count in rows.items()),
            tuple((str(name), count) for name, count in values.items()),
            dry_run,
            time.monotonic() - began,
        )
        self._record(done)
        return done

    # -- the steps --

    def _prepared(self, parts: Sequence[Part]) -> _Work:
        """What is to be done, and the temporary tables for it.

        They are there before anything is counted: what an event trigger writes of one is nothing that was restored.
        """
        self._check_columns(parts)
        rows = _by_table(part for part in parts if part.segment.content.kind == "rows")
        order = deletion_order(self.catalog, list(rows))[::-1]
        together = [name for component in order if len(component) > 1 for name in component]
        # Backwards: a later one tells which row it was by what an earlier one had changed.
        values = [part for part in reversed(parts) if part.segment.content.kind == "values"]
        return _Work(
            rows,
            order,
            {name: self._staged(rows[name][0].segment.content) for name in together},
            [(part, self._staged(part.segment.content)) for part in values],
        )

    def _warn(self, work: _Work) -> None:
        """Tells of triggers that may change what comes back."""
        updated = {part.segment.content.table for part, _ in work.values}
        for table, trigger in rewriting(self.conn, work.rows, updated):
            self.tell(Triggered(table, trigger))

    def _put_all_back(self, work: _Work) -> tuple[Mapping[TableName, int], Mapping[TableName, int]]:
        """How many rows were inserted and updated, by table; what can be checked late is when all of them are there."""
        self.conn.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
        rows = dict(self._rows(work))
        values = self._values(work)
        with refusing():
            self.conn.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        return rows, values

    def _record(self, done: Restoration) -> None:
        """The journal and the ledger know of it, with the commit."""
        own.install(self.conn)
        for purge in done.purges:
            journal.restored(self.conn, purge)
        entry = ledger.Entry("restore", None, "done", done.seconds, details=_details(done))
        ledger.record(self.conn, entry)

    # -- what they are made of --

    def _check_columns(self, parts: Sequence[Part]) -> None:
        for part in parts:
            content = part.segment.content
            table = self.catalog.tables.get(content.table)
            reasons = tuple(_mismatches(table, content))
            if reasons:
                raise other_schema(*reasons)

    def _rows(self, work: _Work) -> Iterator[tuple[TableName, int]]:
        """Parents first: a row's keys are checked as it comes."""
        for component in work.order:
            began = time.monotonic()
            counts: tuple[int, ...]
            if len(component) == 1:
                counts = (self._copy(component[0].sql, work.rows[component[0]]),)
            else:
                counts = self._copy_together(component, work)
            for name, rows in zip(component, counts, strict=True):
                self.tell(Restored(name, rows, time.monotonic() - began))
                yield name, rows

    def _copy(self, target: str, parts: Sequence[Part]) -> int:
        """One COPY for all parts of a table: rows of one may refer to rows of another."""
        rows = 0
        by_columns: dict[tuple[str, ...], list[Part]] = defaultdict(list)
        for part in parts:
            by_columns[part.segment.content.columns].append(part)
        for columns, alike in by_columns.items():
            statement = f"COPY {target} ({', '.join(map(quoted, columns))}) FROM STDIN"
            with (
                refusing(parts[0].segment.content.table),
                plain(driver_of(self.conn)).copy(statement.replace(r"\:", ":").encode()) as copy,
            ):
                for part in alike:
                    for piece in text_of(part.folder, part.segment):
                        copy.write(piece)
            rows += sum(part.segment.rows for part in alike)
        return rows

    def _copy_together(self, component: tuple[TableName, ...], work: _Work) -> tuple[int, ...]:
        """One statement: keys among tables that refer to each other are checked when all of it is there."""
        inserts = []
        for number, name in enumerate(component):
            self._copy(work.rings[name], work.rows[name])
            columns = ", ".join(map(quoted, work.rows[name][0].segment.content.columns))
            inserts.append(
                f"i{number} AS (INSERT INTO {name.sql} ({columns}) OVERRIDING SYSTEM VALUE"  # noqa: S608
                f" SELECT {columns} FROM {work.rings[name]} RETURNING 1)"
            )
        counts = ", ".join(f"(SELECT count(*) FROM i{number})" for number in range(len(component)))  # noqa: S608
        with refusing():
            return tuple(self.conn.execute(sa.text(f"WITH {', '.join(inserts)} SELECT {counts}")).one())

    def _staged(self, content: Content) -> str:
        """A new temporary table with the content's columns."""
        columns = ", ".join(f"t.{quoted(column)}" for column in content.columns)
        staged = f"pg_temp._restore_{next(self.numbers)}"
        self.conn.execute(
            sa.text(
                f"CREATE TEMP TABLE {staged} ON COMMIT DROP"  # noqa: S608
                f" AS SELECT {columns} FROM {content.table.sql} t WHERE false"
            )
        )
        return staged

    def _values(self, work: _Work) -> Mapping[TableName, int]:
        rows: dict[TableName, int] = defaultdict(int)
        for part, staged in work.values:
            content = part.segment.content
            self._copy(staged, [part])
            found = self._put_back(content, staged)
            if found != part.segment.rows:
                raise errors.Refused(
                    "the restore is refused: rows that had let go have changed since",
                    reasons=(_changed(content.table, part.segment.rows - found, part.segment.rows),),
                )
            self.tell(Restored(content.table, found, 0))
            rows[content.table] += found
        return rows

    def _put_back(self, content: Content, staged: str) -> int:
        split = len(content.columns) - content.restores
        key, changed = content.columns[:split], content.columns[split:]
        now = " AND ".join(
            f't.{quoted(name)}::text COLLATE "C" IS NOT DISTINCT FROM'
            f" {'NULL' if value is None else literal(value)}"
            for name, value in zip(changed, content.now, strict=True)
        )
        if key and key == self.catalog.tables[content.table].primary_key:
            same = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in key)
            source, where = f"{staged} s", f"{same} AND {now}"
        else:
            source = f"({_paired(content.table, staged, key, changed, now)}) s"
            where = "t.ctid = s.ctid AND t.tableoid = s.tableoid"
        values = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in changed)
        update = f"UPDATE {content.table.sql} t SET {values} FROM {source} WHERE {where}"  # noqa: S608
        with refusing(content.table):
            return self.conn.execute(sa.text(update)).rowcount

    def _prove(
        self,
        before: Mapping[TableName, Touched],
        rows: Mapping[TableName, int],
        values: Mapping[TableName, int],
    ) -> None:
        """Raises ProofFailed where a trigger or a rule has done more, or less."""
        wrong = []
        for name, counts in touched(self.conn).items():
            done = counts - before.get(name, Touched())
            wanted = Touched(rows.get(name, 0), values.get(name, 0), 0)
            if done != wanted:
                wrong.append(
                    f"{name}: {done.inserted} inserted, {done.updated} updated, {done.deleted} deleted"
                    f" instead of {wanted.inserted}, {wanted.updated} and 0"
                )
        if wrong:
            raise errors.ProofFailed(
                f"the restore did not do what was archived and was undone: {'; '.join(wrong)}"
            )


def _by_table(parts: Iterable[Part]) -> Mapping[TableName, list[Part]]:
    found: dict[TableName, list[Part]] = defaultdict(list)
    for part in parts:
        found[part.segment.content.table].append(part)
    return found


def _mismatches(table: Table | None, content: Content) -> Iterator[str]:
    """What the table has no place for."""
    if table is None:
        yield f"{content.table} lacks the table itself"
        return
    columns = {column.name: column for column in table.columns}
    gone = [name for name in content.columns if name not in columns]
    if gone:
        yield f"{content.table} lacks {', '.join(gone)}"
    written = content.columns if content.kind == "rows" else content.columns[-content.restores :]
    for name in written:
        if name in columns and columns[name].generated:
            yield f"{content.table}.{name} is generated now"


def _changed(table: TableName, missing: int, rows: int) -> str:
    return f"{table}: {missing:,} of {rows:,} rows are gone, or refer to something else by now"


def _paired(table: TableName, staged: str, key: Sequence[str], changed: Sequence[str], now: str) -> str:
    """What rows had, each with the place of one that is its like: without a primary key there may be several.

    As text all types can be compared. Columns are numbered: no name of theirs can be that of another.
    """
    ours = [f't.{quoted(name)}::text COLLATE "C"' for name in key]
    theirs = [f's.{quoted(name)}::text COLLATE "C"' for name in key]
    had = ", ".join(f"s.{quoted(name)} AS v{number}" for number, name in enumerate(changed))
    values = ", ".join(f"a.v{number} AS {quoted(name)}" for number, name in enumerate(changed))
    same = "".join(f" AND x.k{number} IS NOT DISTINCT FROM a.k{number}" for number in range(len(key)))
    return (
        f"SELECT x.ctid, x.tableoid, {values}"  # noqa: S608
        f" FROM (SELECT t.ctid, t.tableoid, {_numbered(ours)} FROM {table.sql} t WHERE {now}) x"
        f" JOIN (SELECT {had}, {_numbered(theirs)} FROM {staged} s) a ON x.turn = a.turn{same}"
    )


def _numbered(key: Sequence[str]) -> str:
    """The key's columns, and which of the rows that are alike in them it is."""
    columns = [f"{column} AS k{number}" for number, column in enumerate(key)]
    return ", ".join([*columns, f"row_number() OVER (PARTITION BY {', '.join(key) or 'true'}) AS turn"])


def _details(done: Restoration) -> dict[str, object]:
    return {
        "purges": list(done.purges),
        "rows": done.rows,
        "tables": dict(done.tables),
        "values": dict(done.values),
    }
