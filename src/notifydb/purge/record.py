"""What a purge leaves behind of itself: its archive on disk, its journal in the database."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa

import notifydb
from notifydb import errors
from notifydb.postgres import own
from notifydb.postgres.connect import driver_of, plain
from notifydb.postgres.relations import Table, quoted
from notifydb.purge import journal
from notifydb.purge.archive import Archive, Content, Sealed
from notifydb.purge.planned import Plan

_UNSAFE: Final = re.compile(r"[^\w.+-]+")


class Record:
    """One purge, by the id that archive and journal have in common; the folder is made when it is needed."""

    def __init__(self, plan: Plan, folder: Path | None) -> None:
        """`folder` is the one in which the archive's own is made; None is no archive."""
        self.id = journal.new_id()
        self.plan = plan
        self.archive: Archive | None = None
        self._is_begun = False
        self._has_commits = False
        self._is_in_doubt = False
        self._folder = folder and folder / self._name()

    @property
    def folder(self) -> Path | None:
        """Where the archive is, None where there is none."""
        return self._folder

    def begin(self, conn: sa.Connection) -> None:
        """Opens the archive, and tells the journal, in the connection's transaction: before anything is deleted."""
        own.install(conn)
        place = str(self._folder.absolute()) if self._folder else None
        journal.begin(conn, self.id, prefix=self.plan.prefix, plan=self.plan.id, archive=place)
        if self._folder is not None:
            self.archive = Archive(self._folder, self._header(conn))
        self._is_begun = True

    @contextmanager
    def taking(self, conn: sa.Connection, worker: int = 0) -> Iterator[Taker]:
        """What deletes rows in one transaction, which the block begins and ends; says how that has ended.

        Raises InternalError before `begin`: nothing is deleted that no journal and no archive would know of.
        """
        if not self._is_begun:
            raise errors.InternalError("a purge was to delete before it had begun")
        taker = Taker(conn, self, worker)
        try:
            yield taker
        except BaseException:
            if taker.may_be_committed:
                self._is_in_doubt = True
            elif self.archive is not None and taker.is_told:
                self.archive.discarded([each.segment for each in taker.sealed])
            raise
        self._has_commits = True
        if self.archive is not None and taker.sealed:
            self.archive.committed([each.segment for each in taker.sealed])

    def finished(self, rows: int) -> None:
        """All is done."""
        if self.archive is not None:
            self.archive.finished(rows)
            self.archive.close()

    def given_up(self, conn: sa.Connection) -> None:
        """It has failed; where all rows are still there, archive and journal are without it again.

        The connection has no open transaction.
        """
        if self._has_commits or self._is_in_doubt:
            if self.archive is not None:
                self.archive.close()
            return
        with conn.begin():
            journal.forget(conn, self.id)
        if self.archive is not None:
            self.archive.drop()

    def _name(self) -> str:
        now = datetime.datetime.now(datetime.UTC)
        return _UNSAFE.sub("_", f"{now:%Y%m%dT%H%M%SZ}-{self.plan.database}-{self.plan.prefix}-{self.id}")

    def _header(self, conn: sa.Connection) -> dict[str, object]:
        return {
            "purge": self.id,
            "database": self.plan.database,
            "prefix": self.plan.prefix,
            "plan": self.plan.id,
            "started_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "server_version": str(conn.scalar(sa.text("SHOW server_version"))),
            "notifydb": notifydb.__version__,
        }


class Taker:
    """Deletes rows in one transaction, their text into the archive on the way."""

    def __init__(self, conn: sa.Connection, record: Record, worker: int) -> None:
        self._conn = conn
        self._record = record
        self._worker = worker
        self.sealed: list[Sealed] = []
        #: The archive's manifest has, or may have, lines of what is sealed.
        self.is_told = False
        #: The commit was sent, or is about to be: only the journal knows then.
        self.may_be_committed = False

    def delete(self, table: Table, condition: str, source: str | None = None) -> int:
        """Deletes the rows `t` of the table, or of `source`, which is a part of it; the number of them."""
        delete = f"DELETE FROM {source or table.name.sql} t WHERE {condition}"  # noqa: S608
        if self._record.archive is None:
            return self._conn.execute(sa.text(delete)).rowcount
        columns = table.written
        return self._copy(Content(table.name, columns), f"{delete} RETURNING {_list(columns)}")

    def save(self, content: Content, source: str) -> int:
        """Archives what a SELECT of the content's columns from `source` gives; 0 where there is no archive."""
        if self._record.archive is None:
            return 0
        return self._copy(content, f"SELECT {_list(content.columns)} FROM {source}")  # noqa: S608

    def close_books(self) -> None:
        """Says in the archive, and in the database with the commit that has to come next, what the archive alone
        has from then on."""
        if self._record.archive is not None and self.sealed:
            self.is_told = True
            self._record.archive.add(self.sealed)
        journal.add(self._conn, self._record.id, self.sealed)
        self.may_be_committed = True

    def _copy(self, content: Content, query: str) -> int:
        assert self._record.archive is not None
        # The text was made for SQLAlchemy, where a colon begins a parameter.
        statement = f"COPY ({query}) TO STDOUT".replace(r"\:", ":").encode()
        with self._record.archive.segment(content, self._worker) as segment:
            with plain(driver_of(self._conn)).copy(statement) as copy:
                segment.write(copy)
            if segment.is_empty:
                return 0
            self.sealed.append(segment.seal())
        return self.sealed[-1].rows


def _list(columns: Sequence[str]) -> str:
    return ", ".join(f"t.{quoted(column)}" for column in columns)
