"""What a runner writes into the history of its database."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Final

import psycopg
import sqlalchemy.exc

from notifydb import errors
from notifydb.guard import Operation
from notifydb.postgres import failures, ledger
from notifydb.postgres.connect import make_engine
from notifydb.postgres.ledger import Entry
from notifydb.revisions.graph import History, Revision

#: A file that is larger carries data; it is not kept.
MAX_SOURCE: Final = 1 << 20
_KEEPING: Final = frozenset({("upgrade", "done"), ("stamp", "done"), (Operation.RESTAMP, "done")})
#: Seconds: whoever is told to stop has two.
_SHORT_OF_TIME: Final = 1


@dataclasses.dataclass(frozen=True, slots=True)
class Deployed:
    """What the migrations came with: the application's version, and its commit, where they are known."""

    code_version: str | None = None
    git_commit: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Records:
    """Makes and writes the rows of one database; the fields are those of `Runner`.

    With `keeps_sources`, what is done to a revision of this branch alone keeps its source.
    """

    url: str
    history: History
    keeps_sources: bool
    is_shared: Callable[[Revision], bool]
    deployed: Deployed

    def entry(self, operation: str, revision: str, outcome: str) -> Entry:
        """A row for the history, with the hash of the file as it is now."""
        known = self.history.revisions.get(revision)
        source = known.path.read_bytes() if known is not None else None
        is_kept = (
            known is not None
            and source is not None
            and (operation, outcome) in _KEEPING
            and self.keeps_sources
            and len(source) <= MAX_SOURCE
            and not self.is_shared(known)
        )
        return Entry(
            operation,
            revision,
            outcome,
            source_sha256=None if source is None else hashlib.sha256(source).hexdigest(),
            source=source if is_kept else None,
            code_version=self.deployed.code_version,
            git_commit=self.deployed.git_commit,
            instance=ledger.instance(),
        )

    def failure(self, entry: Entry, error: BaseException, *, urgent: bool = False) -> bool:
        """Writes how a migration ended, on a connection of its own: the migration's transaction is gone.

        Returns whether the migration is done all the same; then the row is of the run alone. Where that cannot be
        told and written, the error says so.
        """
        message = error.message if isinstance(error, errors.NotifydbError) else type(error).__name__
        details = {"error": message, "reasons": list(getattr(error, "reasons", ()))}
        engine = make_engine(self.url, connect_timeout=_SHORT_OF_TIME if urgent else 10)
        try:
            with engine.begin() as conn:
                is_done = ledger.is_done(conn, entry)
                if is_done:
                    entry = dataclasses.replace(entry, revision=None, source_sha256=None, statements=None)
                ledger.record(conn, dataclasses.replace(entry, details=details))
                return is_done
        except (sqlalchemy.exc.DBAPIError, psycopg.Error) as lost:
            error.add_note(f"that could not be recorded: {failures.first_line(lost)}")
            return False
