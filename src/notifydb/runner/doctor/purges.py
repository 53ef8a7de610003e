"""What purges that were cut short have left: rows that are gone from whole users, and indexes of theirs."""

from __future__ import annotations

import dataclasses
import datetime
import re
import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
import sqlalchemy.exc

from notifydb.findings import Severity
from notifydb.postgres import failures
from notifydb.postgres.connect import own_engine
from notifydb.runner.doctor.ailment import Ailment, sql

if TYPE_CHECKING:
    from notifydb.runner.doctor.examine import Examined

_THERE: Final = sa.text("SELECT to_regclass('notifydb.purge') IS NOT NULL")
#: Whoever works on the database holds a lock by a session of that name, from before it begins.
_BEGUN: Final = sa.text(
    """
    SELECT p.id, p.prefix, p.archive, p.runner, p.started_at AS since,
           EXISTS (
               SELECT FROM pg_stat_activity a
               WHERE a.datname = current_database() AND starts_with(a.application_name, 'notifydb lock ')
           ) AS may_run
    FROM notifydb.purge p WHERE p.state = 'running' ORDER BY p.started_at
    """
)
_OURS: Final = re.compile(r'(?:^|\.)"?_purge_[^.]*_[0-9a-f]{8}"?$')
_TABLE: Final = re.compile(r" ON (?:ONLY )?(.+?) USING ")


@dataclasses.dataclass(frozen=True, slots=True)
class Begun:
    """A purge that has not come to its end; `archive` is the folder of what it has deleted, if it keeps one.

    `may_run` when some notifydb works on the database just now.
    """

    id: str
    prefix: str
    archive: str | None
    runner: str
    since: datetime.datetime
    may_run: bool


def read_begun(url: str) -> tuple[Begun, ...] | str:
    """The purges that have begun and not ended, the oldest first; why not, where the role may not read them."""
    try:
        with own_engine(url).connect() as conn:
            return tuple(Begun(*row) for row in conn.execute(_BEGUN)) if conn.scalar(_THERE) else ()
    except sqlalchemy.exc.ProgrammingError as error:
        if failures.sqlstate(error) != failures.INSUFFICIENT_PRIVILEGE:
            raise
        return failures.first_line(error)


def is_of_a_purge(index: str) -> bool:
    """Whether an index, by its quoted name, was made for the time of a purge."""
    return _OURS.search(index) is not None


def purges(found: Examined) -> Iterator[Ailment]:
    """Purges that were cut short, and indexes that one has left."""
    begun = () if isinstance(found.purges, str) else found.purges
    for each in begun:
        yield _cut_short(each)
    if not any(each.may_run for each in begun):
        yield from (_left_over(name, definition) for name, definition in _indexes(found))


def _cut_short(purge: Begun) -> Ailment:
    since = f"{purge.since:%Y-%m-%d %H:%M:%S}"
    if purge.may_run:
        return Ailment(
            "purges", f"a purge of {purge.prefix!r} has begun and not ended",
            f"by {purge.runner} at {since}; a notifydb works on this database just now: ask again when that is over",
            (), severity=Severity.INFO,
        )  # fmt: skip
    kept = f"what it has deleted is in {purge.archive}" if purge.archive else "it kept no archive"
    return Ailment(
        "purges", f"a purge of {purge.prefix!r} was cut short",
        f"by {purge.runner}, begun at {since}: the users are there, some of their rows may not be; {kept}",
        (f"notifydb purge --prefix {purge.prefix}",),
        (f"notifydb restore {shlex.quote(purge.archive)}",) if purge.archive else (),
        severity=Severity.WARNING,
    )  # fmt: skip


def _left_over(name: str, definition: str) -> Ailment:
    table = match[1] if (match := _TABLE.search(definition)) else "its table"
    return Ailment(
        "purges", f"index {name} on {table} is left of a purge",
        "it was made for the time of a purge that was cut short: every write keeps it up to date",
        sql(f"DROP INDEX CONCURRENTLY {name}"), severity=Severity.WARNING,
    )  # fmt: skip


def _indexes(found: Examined) -> Iterator[tuple[str, str]]:
    there = {name: text or "" for (kind, name), text in found.health.catalog.items() if kind == "index"}
    there |= {each.name: each.definition for each in found.health.indexes}
    yield from sorted((name, text) for name, text in there.items() if is_of_a_purge(name))
