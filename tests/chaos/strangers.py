"""Somebody else holds a lock or a snapshot for a while, as a forgotten psql does."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from chaos import truth
from chaos.history import Generated, write
from chaos.kinds import block, sql
from chaos.process import PATIENCE, Upgrade
from chaos.truth import State
from chaos.world import Scenario, World
from notifydb.postgres.connect import plain_url

#: What the stranger does in a transaction that it leaves open.
HOLDS: Final = {
    "ACCESS SHARE, idle in transaction": ("SELECT count(*) FROM users",),
    "an old snapshot": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM other"),
    "a row that was written": ("UPDATE users SET name = name WHERE id = 1",),
}
_BASE: Final = [
    sql(
        "CREATE TABLE users (id int, name text); INSERT INTO users SELECT n, 'n' || n FROM generate_series(1, 100) n"
    ),
    sql("CREATE TABLE other (id int)"),
]
_WORK: Final = {
    "0002_alters": [sql("ALTER TABLE users ADD COLUMN age int"), sql("UPDATE users SET age = id")],
    "0003_builds": [
        sql("ALTER TABLE users ADD COLUMN size int"),
        *block([sql("CREATE UNIQUE INDEX CONCURRENTLY uq_users ON users (id, name)")]),
        sql("UPDATE users SET size = 1"),
    ],
    "0004_drops": block(
        [sql("DROP INDEX CONCURRENTLY uq_users"), sql("CREATE INDEX CONCURRENTLY ON users (age)")]
    ),
}
#: Seconds after which the monitor has seen, for sure, who is in the way.
_SEEN: Final = 3.0


@dataclasses.dataclass(frozen=True, slots=True)
class _Case:
    number: int
    hold: str
    seconds: float
    #: None: the run waits as long as it takes.
    deadline: float | None = None


def blocked(world: World) -> None:
    """With patience a run ends at head; with a deadline it ends, and nothing is half done."""
    scenario, chance = world.scenario("strangers"), random.Random(world.seed)
    folder = world.folder / "projects" / "strangers"
    write(folder, "0001_base", _BASE)
    base = Generated(folder, ("0001_base",), {})
    start = scenario.undisturbed(base, "strangers_base")
    for revision, body in _WORK.items():
        write(folder, revision, body)
    project = Generated(folder, ("0001_base", *_WORK), {})
    expected = scenario.undisturbed(project, "strangers_undisturbed")
    cases = list(_cases(chance, is_quick=world.is_quick))
    for each in cases:
        scenario.database(f"stranger{each.number}", "strangers_base")
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(_meet, scenario, project, each, start, expected) for each in cases]:
            done.result()


def _cases(chance: random.Random, *, is_quick: bool) -> Iterator[_Case]:
    number = 0
    for hold in HOLDS:
        longest = (4.0,) if is_quick else (1.0, 5.0, 30.0)
        for most in longest:
            yield _Case(number := number + 1, hold, round(chance.uniform(most / 5, most), 1))
        yield _Case(number := number + 1, hold, 600, deadline=round(chance.uniform(0.5, 3), 1))


def _meet(scenario: Scenario, project: Generated, case: _Case, start: State, expected: State) -> None:
    url = scenario.server.url(f"stranger{case.number}")
    options = ("--deadline", str(case.deadline)) if case.deadline else ()
    begun = threading.Event()
    with _holding(url, case, begun) as released:
        run = scenario.world.upgrade(project, url, *options)
        run.wait_until(1, PATIENCE)
        begun.set()
        code = run.wait()
        ended = time.monotonic()
    scenario.figures.heard(run)
    if case.deadline is None:
        _was_patient(scenario, case, run, code, url)
        scenario.figures.longest("strangers", "longest from a release to the end", ended - released[0])
    else:
        _gave_up(scenario, case, run, code, url, start)
        run = scenario.world.upgrade(project, url)
        if (code := run.wait()) != 0:
            scenario.violated(f"when the stranger is gone it exits with {code}", url, run)
    scenario.holds_true(project, url, run)
    scenario.is_same(expected, url, run)


def _was_patient(scenario: Scenario, case: _Case, run: Upgrade, code: int | None, url: str) -> None:
    told = [each for name in ("blocked", "building", "retrying") for each in run.named(name) if each["wait"]]
    if code != 0:
        scenario.violated(f"{case.hold} for {case.seconds} s: it exits with {code}", url, run)
    elif case.seconds >= _SEEN and not any(_names_the_stranger(each) for each in told):
        scenario.violated(f"{case.hold} for {case.seconds} s: nothing tells of the stranger", url, run)
    else:
        scenario.figures.count("strangers", f"waited for: {case.hold}")


def _names_the_stranger(event: dict[str, Any]) -> bool:
    return any(each["application"] == "stranger" for each in event["wait"]["blockers"])


def _gave_up(scenario: Scenario, case: _Case, run: Upgrade, code: int | None, url: str, start: State) -> None:
    """What is committed is stamped, or recorded as a part; the migration that waited left nothing else."""
    assert run.ended is not None
    if code != 4:
        scenario.violated(f"{case.hold} past the deadline: it exits with {code}, not with 4", url, run)
        return
    scenario.figures.longest("strangers", "longest run with a deadline of up to 3 s", run.ended - run.began)
    invalid = [name for (_, name), text in truth.state_of(url).catalog.items() if text.endswith("(INVALID)")]
    if invalid:
        scenario.violated(f"{case.hold} past the deadline: it leaves {invalid}", url, run)
    if truth.stamped_at(url) == "0001_base":
        for each in truth.differences(start, truth.state_of(url)):
            scenario.violated(f"{case.hold} past the deadline: {each}", url, run)
    scenario.figures.count("strangers", "given up at the deadline, with exit 4 and nothing half done")


@contextmanager
def _holding(url: str, case: _Case, begun: threading.Event) -> Iterator[list[float]]:
    """The stranger, until its time from the run's beginning or the block is over; the list gets its end."""
    released: list[float] = []
    with psycopg.connect(plain_url(url), application_name="stranger") as conn:
        for each in HOLDS[case.hold]:
            conn.execute(each.encode())
        over = threading.Event()

        def release() -> None:
            begun.wait()
            over.wait(case.seconds)
            conn.rollback()
            released.append(time.monotonic())

        thread = threading.Thread(target=release)
        thread.start()
        try:
            yield released
        finally:
            begun.set()
            over.set()
            thread.join()
