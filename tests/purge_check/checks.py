"""The whole examination, step by step; each tells what is wrong, and what it has looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from purge_check import judge
from purge_check.catalog import Link, connect
from purge_check.command import Command, Outcome
from purge_check.filler import Label, Row
from purge_check.profiles import Profile
from purge_check.schema import SERVICES, Schema
from purge_check.state import State, differences, read_state
from purge_check.world import Cast, World

REFUSED, BLOCKED = 3, 1
TESTS: Final[tuple[Label, ...]] = ("test",)


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
        self._restored: set[str] = set()
        if profile.settings:
            (command.project or command.folder).joinpath("notifydb.toml").write_text(profile.settings)
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

    def expected(self, gone: Collection[Label]) -> State:
        """What the labels leave after a purge."""
        return judge.without(gone, self.before, self.rows)

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
        goes = Counter(row.table for row in self.rows if row.goes(TESTS))
        counts = {table: (planned.get(table, 0), goes[table]) for table in (*goes, *planned)}
        wrong = {table: both for table, both in counts.items() if both[0] != both[1]}
        demand(
            "dry run", *(f"{table}: {told} rows instead of {rows}" for table, (told, rows) in wrong.items())
        )
        demand("dry run changes", *differences(self.before, self.state))

    def purge(self, *options: str, gone: Collection[Label] = TESTS) -> None:
        """Every test row is gone, every other one is byte for byte as it was, and nothing dangles."""
        done = self.command.purge_for_good(*options)
        demand("purge", *_unless(done, done.code == 0))
        self.is_purged("after the purge", gone)

    def purge_more(self) -> None:
        """The shared service as well, and users whose address differs in case, where that is asked for."""
        shared = self.cast.shared_service.rows[SERVICES].values["id"]
        self.purge("--ignore-case", "--delete-shared", str(shared), gone=(*TESTS, "case", "shared"))

    def is_purged(self, when: str, gone: Collection[Label] = TESTS) -> None:
        after = self.state
        demand(when, *differences(self.expected(gone), after))
        demand(when, *judge.new_orphans(self.orphans, judge.orphans(self.url, self.schema)))
        demand(when, *judge.mentions(self.schema, self.rows, after, gone))

    def purge_again(self) -> None:
        """Nothing is left to do, and that is no failure."""
        done = self.command.purge_for_good()
        demand("second purge", *_unless(done, done.code == 0))
        self.is_purged("after a second purge")

    def restore(self, *, only: bool = False) -> None:
        """The whole database is as before, sequences too.

        But for `only`, a rehearsal and a second time, which is refused, change nothing.
        """
        folders = sorted({str(path) for path in self.command.archives.glob("*")} - self._restored)
        demand("the archive", *([] if folders else ["there is none"]))
        self._restored.update(folders)
        if not only:
            self._unchanged_by("restore --dry-run", 0, *folders, "--dry-run")
        done = self.command.run("restore", *folders, "--confirm", self.command.database)
        demand("restore", *_unless(done, done.code == 0))
        demand("after the restore", *differences(self.before, self.state))
        if not only:
            self._unchanged_by("second restore", REFUSED, *folders, "--confirm", self.command.database)

    def _unchanged_by(self, step: str, code: int, *options: str) -> None:
        before = self.state
        done = self.command.run("restore", *options)
        demand(step, *_unless(done, done.code == code))
        demand(f"after {step}", *differences(before, self.state))

    # -- who acted --

    def actors(self) -> Iterator[tuple[Link, Row]]:
        """For each column that tells who did something, a row of somebody real that has it."""
        for found in self.schema.actors():
            rows = [row for row in self.rows if row.table == found.child and row.label in ("real", "shared")]
            (column,) = found.columns
            told = [row for row in rows if row.values[column] is not None]
            demand(f"{found}", *([] if rows else ["no row to try it with"]))
            yield found, (told or rows)[0]

    def act(self, found: Link, text: str, who: str | None) -> str:
        """Somebody is the one who did it, and no trigger tells when; the row as text, before and now."""
        with connect(self.url) as conn:
            conn.execute("SET session_replication_role = replica")
            changed = conn.execute(
                f'UPDATE {found.child} t SET "{found.columns[0]}" = %s WHERE t::text = %s RETURNING t::text',
                [who, text],
            ).fetchall()
        assert len(changed) == 1, f"{found}: {len(changed)} rows are {text}"
        return str(changed[0][0])

    def refuses(self, acted: Mapping[Link, Row], *, rehearse: bool = False) -> None:
        """A test user did these things: the purge names each of them, is refused and changes nothing.

        With `rehearse` a purge that would be done is found out without doing it.
        """
        tester = self.cast.test.values["id"]
        texts = {row: row.text for row in acted.values()}
        for found, row in acted.items():
            texts[row] = self.act(found, texts[row], tester)
        try:
            step = ", ".join(map(str, acted))
            before = self.state
            if rehearse:
                self._is_refused(step, acted, self.command.purge("--dry-run"), BLOCKED)
            self._is_refused(step, acted, self.command.purge_for_good(), REFUSED)
            demand(step, *differences(before, self.state))
        finally:
            for found, row in acted.items():
                texts[row] = self.act(found, texts[row], row.values[found.columns[0]])
        demand(f"{step}, undone", *differences(self.before, self.state))

    def _is_refused(self, step: str, acted: Iterable[Link], done: Outcome, code: int) -> None:
        demand(step, *_unless(done, done.code == code))
        silent = [found for found in acted if f"{found.child}.{found.columns[0]}" not in done.err]
        demand(step, *(f"{found} is not named in {done.said}" for found in silent))

    def refuses_all_actors(self) -> int:
        """All at once; how many there are."""
        acted = dict(self.actors())
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
