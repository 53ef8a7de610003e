"""The whole examination, step by step; each tells what is wrong, and what it has looked at."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from purge_check import judge
from purge_check.catalog import Link, connect
from purge_check.command import Command, Outcome
from purge_check.filler import Row
from purge_check.profiles import Profile
from purge_check.schema import SERVICES, Schema
from purge_check.state import State, differences, read_state
from purge_check.world import Cast, World

REFUSED, BLOCKED = 3, 1


class Wrong(Exception):
    """What a step did not find as it has to be."""

    def __init__(self, step: str, *reasons: str) -> None:
        super().__init__("\n  ".join((f"{step}:", *reasons)))


def demand(step: str, *reasons: str) -> None:
    """Raises Wrong where there is a reason to."""
    if reasons:
        raise Wrong(step, *reasons)


class Examination:
    """One database from its migrations on, which is filled, purged and restored."""

    def __init__(self, command: Command, profile: Profile, seed: int, copies: int = 0) -> None:
        self.command = command
        self.url = command.url
        (command.folder / "notifydb.toml").write_text(profile.settings)
        with connect(self.url) as conn:
            self.schema = Schema(conn, profile)
            self.world = World(conn, self.schema, seed)
            demand("the profile", *self.schema.unexplained())
            demand("the database", *self._not_fresh())
            marked = command.mark()
            demand("the mark", *_unless(marked, marked.code == 0))
            seeds = self.state
            self.cast: Cast = self.world.build(copies)
        self.before = self.state
        demand("the labels", *judge.labelled(self.before, seeds, self.rows))
        demand("the rows", *judge.uncovered(self.schema, self.rows))
        self.orphans = judge.orphans(self.url, self.schema)

    @property
    def rows(self) -> list[Row]:
        return self.world.filler.rows

    @property
    def state(self) -> State:
        return read_state(self.url, self.schema)

    @cached_property
    def expected(self) -> State:
        """What the labels leave after a purge."""
        return judge.without_tests(self.before, self.rows)

    @property
    def tests(self) -> Counter[str]:
        """How many rows of each table are a test's."""
        return Counter(row.table for row in self.rows if row.label == "test")

    def _not_fresh(self) -> Iterator[str]:
        """Rows of users beyond what migrations load would be judged as seeds."""
        if self.world.filler.conn.execute(
            "SELECT FROM users WHERE email_address ILIKE 'notify-tests%'"
        ).fetchone():
            yield "it holds test users already: give one that only the migrations have been at"

    # -- steps --

    def dry_run(self) -> None:
        """The plan counts what the labels count, and nothing happens."""
        done = self.command.purge("--dry-run", "--format", "json")
        demand("dry run", *_unless(done, done.code == 0))
        planned = {table["table"]: table["rows"] for table in done.json["plan"]["tables"]}
        wrong = {
            table: (planned.get(table), rows)
            for table, rows in self.tests.items()
            if planned.get(table) != rows
        }
        wrong |= {table: (rows, 0) for table, rows in planned.items() if table not in self.tests}
        demand(
            "dry run", *(f"{table}: {told} rows instead of {rows}" for table, (told, rows) in wrong.items())
        )
        demand("dry run changes", *differences(self.before, self.state))

    def purge(self) -> None:
        """Every test row is gone, every other one is byte for byte as it was, and nothing dangles."""
        done = self.command.purge_for_good()
        demand("purge", *_unless(done, done.code == 0))
        self.is_purged("after the purge")

    def is_purged(self, when: str) -> None:
        after = self.state
        demand(when, *differences(self.expected, after))
        demand(when, *judge.new_orphans(self.orphans, judge.orphans(self.url, self.schema)))
        demand(when, *judge.mentions(self.schema, self.rows, after))

    def purge_again(self) -> None:
        """Nothing is left to do, and that is no failure."""
        done = self.command.purge_for_good()
        demand("second purge", *_unless(done, done.code == 0))
        self.is_purged("after a second purge")

    def restore(self) -> None:
        """The whole database is as before, sequences too; a second time is refused and changes nothing."""
        archived = self.command.archives.is_dir()
        demand("the archive", *([] if archived else ["there is none"]))
        folders = [str(path) for path in sorted(self.command.archives.iterdir())]
        rehearsed = self.command.run("restore", *folders, "--dry-run")
        demand("restore --dry-run", *_unless(rehearsed, rehearsed.code == 0))
        self.is_purged("after a rehearsed restore")
        done = self.command.run("restore", *folders, "--confirm", self.command.database)
        demand("restore", *_unless(done, done.code == 0))
        demand("after the restore", *differences(self.before, self.state))
        again = self.command.run("restore", *folders, "--confirm", self.command.database)
        demand("second restore", *_unless(again, again.code == REFUSED))
        demand("after a second restore", *differences(self.before, self.state))

    # -- who acted --

    def actors(self) -> Iterator[tuple[Link, Row]]:
        """For each column that tells who did something, a row of somebody real that has it."""
        for found in self.schema.actors():
            rows = [row for row in self.rows if row.table == found.child and row.label in ("real", "shared")]
            (column,) = found.columns
            told = [row for row in rows if row.values[column] is not None]
            demand(f"{found}", *([] if rows else ["no row to try it with"]))
            yield found, (told or rows)[0]

    def act(self, found: Link, row: Row, who: str | None) -> str:
        """Somebody is the one who did it; the row as text."""
        with connect(self.url) as conn:
            changed = conn.execute(
                f'UPDATE {found.child} t SET "{found.columns[0]}" = %s WHERE t::text = %s RETURNING t::text',
                [who, row.text],
            ).fetchall()
        assert len(changed) == 1, f"{found}: {len(changed)} rows are {row.text}"
        return str(changed[0][0])

    def refuses(self, acted: Mapping[Link, Row], *, rehearse: bool = False) -> None:
        """A test user did these things: the purge names each of them, is refused and changes nothing.

        With `rehearse` a purge that would be done is found out without doing it.
        """
        tester = self.cast.test.values["id"]
        texts = {found: self.act(found, row, tester) for found, row in acted.items()}
        try:
            step = ", ".join(map(str, acted))
            before = self.state
            if rehearse:
                self._is_refused(step, acted, self.command.purge("--dry-run"), BLOCKED)
            self._is_refused(step, acted, self.command.purge_for_good(), REFUSED)
            demand(step, *differences(before, self.state))
        finally:
            for found, row in acted.items():
                self.act(found, dataclasses.replace(row, text=texts[found]), row.values[found.columns[0]])
        demand(f"{step}, undone", *differences(self.before, self.state))

    def _is_refused(self, step: str, acted: Iterable[Link], done: Outcome, code: int) -> None:
        demand(step, *_unless(done, done.code == code))
        silent = [found for found in acted if f"{found.child}.{found.columns[0]}" not in done.err]
        demand(step, *(f"{found} is not named in {done.said}" for found in silent))

    def refuses_all_actors(self) -> int:
        """All at once, each on a row of its own; how many there are."""
        acted: dict[Link, Row] = {}
        for found, row in self.actors():
            taken = {other.text for other in acted.values()}
            free = [
                r for r in self.rows if r.table == found.child and r.label == "real" and r.text not in taken
            ]
            acted[found] = row if row.text not in taken else free[0]
        self.refuses(acted)
        return len(acted)

    def made_for_others(self, *, rehearse: bool = False) -> None:
        """A service that a test user made and somebody real is a member of."""
        (found,) = (
            link
            for link in self.schema.actors()
            if (link.child, link.columns) == (SERVICES, ("created_by_id",))
        )
        self.refuses({found: self.cast.shared_service.rows[SERVICES]}, rehearse=rehearse)


def _unless(done: Outcome, is_right: bool) -> tuple[str, ...]:
    return () if is_right else (done.said,)
