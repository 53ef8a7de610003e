"""Indexes built concurrently: what a failed build left is cleared away, and no build counts that is not valid.

A build that is cut short leaves an INVALID index, over which IF NOT EXISTS passes in silence, and at which the
plain statement fails (Postgres docs, CREATE INDEX, "Building Indexes Concurrently").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg

from notifydb import errors
from notifydb.postgres.connect import plain
from notifydb.postgres.cursors import Instead
from notifydb.postgres.indexes import Index, indexes_of, left_by_reindex, would_be
from notifydb.postgres.session import limit_locks, without_limits
from notifydb.runner.events import Built, Event, Healed

if TYPE_CHECKING:
    from notifydb.sql.builds import Build
    from notifydb.sql.names import Relation

#: Seconds that clearing up after a failure may wait for a lock: the failure itself has to be told.
_CLEARING: float = 2


class Builder:
    """Stands around the concurrent builds of one migration."""

    def __init__(self, revision: str, listen: Callable[[Event], None]) -> None:
        self._revision = revision
        self._listen = listen

    @contextmanager
    def building(
        self, driver: psycopg.Connection[Any], build: Build, *, is_second: bool
    ) -> Iterator[Instead | None]:
        """For the block, which sends the build or what is yielded; the connection is outside of a transaction.

        `is_second` tells that an earlier attempt sent it, too. Raises MigrationFailed for an index of that name
        and another definition, LockNotAvailable for one that somebody else is building.
        """
        with without_limits(driver):
            instead = self._clear_the_way(driver, build, is_second=is_second)
            try:
                yield instead
            except psycopg.Error:
                self._clear_up(driver, build)
                raise
            self._require_valid(driver, build)

    @contextmanager
    def rebuilding(self, driver: psycopg.Connection[Any], relation: Relation) -> Iterator[None]:
        """For the block, which sends a REINDEX CONCURRENTLY; the connection is outside of a transaction."""
        with without_limits(driver):
            self._clear_transients(driver, relation, again=True)
            try:
                yield
            except psycopg.Error:
                if not driver.closed:
                    with suppress(psycopg.Error):
                        limit_locks(driver, _CLEARING)
                        self._clear_transients(driver, relation, again=False)
                raise

    def _clear_transients(self, driver: psycopg.Connection[Any], relation: Relation, *, again: bool) -> None:
        for each in left_by_reindex(driver, relation.schema, relation.name):
            if each.built_by is None:
                _drop(driver, each)
                self._listen(Healed(self._revision, each.name, again=again))

    def _clear_the_way(
        self, driver: psycopg.Connection[Any], build: Build, *, is_second: bool
    ) -> Instead | None:
        there = indexes_of(driver, build.schema, build.table, build.index)
        if not there:
            return None
        wanted = would_be(driver, build.schema, build.table, build.on_scratch)
        same = [each for each in there if each.definition == wanted]
        if build.index is not None and not same:
            raise self._other(there[0], wanted)
        for each in same:
            if each.built_by is not None:
                raise errors.LockNotAvailable(
                    f"{self._revision}: {each.name} is being built by another session (pid {each.built_by})",
                    hint="run the same command again when that is done",
                )
            if not each.valid:
                _drop(driver, each)
                self._listen(Healed(self._revision, each.name, again=True))
        is_there = any(each.valid for each in same) and (build.index is not None or is_second)
        if not is_there:
            return None
        self._listen(Built(self._revision, same[0].name))
        return Instead(build.if_absent if build.index is not None else "")

    def _other(self, index: Index, wanted: str | None) -> errors.MigrationFailed:
        state = "is INVALID and has" if not index.valid else "has"
        told = f"not {wanted}" if wanted else "which could not be compared with the migration's"
        return errors.MigrationFailed(
            f"{self._revision} builds {index.name}, but the one that is there {state} another definition: "
            f"{index.definition}, {told}",
            revision=self._revision,
            hint=f"if nobody needs it: DROP INDEX CONCURRENTLY {index.name}; then run the same command again",
        )

    def _clear_up(self, driver: psycopg.Connection[Any], build: Build) -> None:
        """An INVALID unique index refuses rows, and any costs every write: it does not stay until the next run."""
        if driver.closed:
            return
        with suppress(psycopg.Error):
            limit_locks(driver, _CLEARING)
            for each in self._own_invalid(driver, build):
                _drop(driver, each)
                self._listen(Healed(self._revision, each.name, again=False))

    def _own_invalid(self, driver: psycopg.Connection[Any], build: Build) -> list[Index]:
        there = [
            each for each in indexes_of(driver, build.schema, build.table, build.index) if not each.valid
        ]
        wanted = would_be(driver, build.schema, build.table, build.on_scratch) if there else None
        return [each for each in there if each.definition == wanted and each.built_by is None]

    def _require_valid(self, driver: psycopg.Connection[Any], build: Build) -> None:
        there = indexes_of(driver, build.schema, build.table, build.index)
        if there and (build.index is None or all(each.valid for each in there)):
            return
        what = "is not valid" if there else "is not there: another table may have an index of that name"
        raise errors.MigrationFailed(
            f"{self._revision} builds {build.index or 'an index'} on {build.table}, and after that it {what}",
            revision=self._revision,
            hint="notifydb doctor",
        )


def _drop(driver: psycopg.Connection[Any], index: Index) -> None:
    # The name is quoted by the server.
    plain(driver).execute(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}".encode())
