"""Runs that are disturbed, one after the other, until the history is at head."""

from __future__ import annotations

import dataclasses
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import psycopg

from chaos import faults, truth
from chaos.faults import WEIGHTS, Fault, Landing
from chaos.history import Generated
from chaos.process import Upgrade
from chaos.truth import State
from chaos.world import Scenario, World
from notifydb.postgres.connect import plain_url
from notifydb.shadow import cluster

COUNT: Final = 60
#: Who does not end within so many runs makes no progress.
_MOST_RUNS: Final = 80
#: Seconds from SIGTERM or SIGINT to the exit, as documented.
_PROMPT: Final = 2.0
_LATE: Final = "the server has not confirmed the rollback yet"

#: Does something to a run, and tells where it landed.
Strike = Callable[[Fault, Upgrade], Landing | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Chain:
    """One database on its way to the head."""

    scenario: Scenario
    project: Generated
    expected: State
    url: str
    seed: int
    environment: str
    options: tuple[str, ...]
    weights: dict[Fault, int]
    strike: Strike
    #: Called after each run.
    again: Callable[[], object] = lambda: None

    def go(self) -> bool:
        """Disturbs runs until the head is reached; whether all was as it has to be."""
        chance = random.Random(self.seed)
        for _ in range(_MOST_RUNS):
            run = self._start()
            fault = chance.choices(list(self.weights), list(self.weights.values()))[0]
            came = faults.wait_for(faults.moment(chance), run)
            landing = self.strike(fault, run) if came else None
            code = run.wait()
            self.scenario.figures.heard(run)
            self.again()
            if not self._judge(run, landing, code):
                return False
            if truth.stamped_at(self.url) == self.project.head:
                return self._ends(run)
        self.scenario.violated(f"not at head after {_MOST_RUNS} runs", self.url)
        return False

    def _start(self) -> Upgrade:
        world = self.scenario.world
        return world.upgrade(self.project, self.url, *self.options, environment=self.environment)

    def _ends(self, last: Upgrade) -> bool:
        """A run that has nothing to do, and then the comparison: what a killed session still did is in it."""
        run = self._start()
        code = run.wait()
        if code != 0:
            self.scenario.violated(f"with nothing to do it exits with {code}", self.url, run)
        self.scenario.figures.heard(run)
        is_true = self.scenario.holds_true(self.project, self.url, run)
        return self.scenario.is_same(self.expected, self.url, last) and is_true and code == 0

    def _judge(self, run: Upgrade, landing: Landing | None, code: int | None) -> bool:
        wrong = [*self._wrong(run, landing, code), *self._mistold(run)]
        for each in wrong:
            self.scenario.violated(each, self.url, run)
        if landing is not None:
            self._count(landing)
        return self.scenario.holds_true(self.project, self.url, run) and not wrong

    def _count(self, landing: Landing) -> None:
        figures = self.scenario.figures
        figures.count("faults", landing.fault.value)
        kind = self.project.kinds[landing.running] if landing.running else "before or between migrations"
        figures.count("landed in migration", kind.replace("_", " "))
        figures.count("landed in statement", landing.statement)

    def _wrong(self, run: Upgrade, landing: Landing | None, code: int | None) -> Iterator[str]:
        if code is None:
            yield "it hangs"
            return
        if code == 0:
            if truth.stamped_at(self.url) != self.project.head:
                yield "it exits with 0, and is not at head"
            return
        if landing is None:
            yield f"it exits with {code}, and nothing was done to it"
            return
        allowed = self._allowed(run, landing.fault)
        if code not in allowed:
            yield f"it exits with {code} after {landing.fault.value}, not with {' or '.join(map(str, allowed))}"
        elif landing.fault is not Fault.KILL and code > 0:
            yield from self._untold(run, landing, code)

    def _mistold(self, run: Upgrade) -> Iterator[str]:
        """What the run says of migrations, against the stamp."""
        at = truth.stamped_at(self.url)
        there = self.project.revisions[: self.project.revisions.index(at) + 1] if at else ()
        for each in run.named("applied"):
            if each["revision"] not in there:
                yield f"it tells that {each['revision']} was applied, and it is not"
        if run.summary is None or _could_not_look(run):
            return
        if run.summary["unfinished"] in there:
            yield f"it tells that {run.summary['unfinished']} is unfinished, and it is applied"
        if run.summary["revision"] not in (None, at or "base"):
            yield f"it tells that the database is at {run.summary['revision']}, not at {at}"

    def _allowed(self, run: Upgrade, fault: Fault) -> tuple[int, ...]:
        """The exit codes; 0 is judged before."""
        if fault.signal is None:
            return (4,)
        if fault is Fault.KILL:
            return (-fault.signal,)
        # Before it has taken the signals over, and after all is told, the system ends it: to a shell the same.
        is_outside = not run.events or (run.summary is not None and run.summary["exit_code"] == 0)
        return (128 + fault.signal, *((-fault.signal,) if is_outside else ()))

    def _untold(self, run: Upgrade, landing: Landing, code: int) -> Iterator[str]:
        """What a run that was stopped or lost its connection owes: promptness, a summary, a row."""
        if landing.fault.signal is not None:
            assert run.ended is not None
            seconds = run.ended - landing.at
            self.scenario.figures.longest(
                "promptness", f"longest from {landing.fault.value} to the exit", seconds
            )
            if seconds > _PROMPT:
                yield f"it takes {seconds:.2f} s from {landing.fault.value} to its exit"
        begun = run.running
        if _LATE in run.stderr:
            self.scenario.figures.count("promptness", "ended without waiting for the server")
            return
        if run.events and (run.summary is None or run.summary["exit_code"] != code):
            yield f"its summary is {run.summary}"
            return
        if begun is None:
            return
        written = truth.count_rows(self.url, "interrupted", begun, run.since)
        if written:
            self.scenario.figures.count("told", "interruptions recorded")
        elif _could_not_look(run):
            self.scenario.figures.count("told", "interruptions that could not be recorded, and said so")
        else:
            yield f"nothing tells that {begun} was interrupted"


def _could_not_look(run: Upgrade) -> bool:
    """Whether the run says that it could not reach the history any more."""
    assert run.summary is not None
    return "could not be recorded" in " ".join(map(str, run.summary.get("notes") or ()))


def disturbed(world: World) -> None:
    """Chains on one server, two at a time, until there were enough runs."""
    scenario = world.scenario("kills")
    chance = random.Random(world.seed)
    projects = []
    for number in range(1 if world.is_quick else 4):
        project = scenario.generated(f"kills{number}", world.seed + number, 15 if world.is_quick else COUNT)
        projects.append((project, scenario.undisturbed(project, f"undisturbed{number}")))
    chains = 3 if world.is_quick else 14
    seeds = [chance.randrange(1 << 30) for _ in range(chains)]
    with ThreadPoolExecutor(2) as pool:
        for each in [
            pool.submit(_chain, scenario, *projects[number % len(projects)], number, seed)
            for number, seed in enumerate(seeds)
        ]:
            each.result()


def _chain(scenario: Scenario, project: Generated, expected: State, number: int, seed: int) -> None:
    name = f"kills_chain{number}"
    url = scenario.database(name)
    # Half of the runs are guarded, and half meet readers that are in their way.
    is_busy = number % 4 > 1
    options = ("--lock-timeout", "0.15") if is_busy else ()
    environment = "production" if number % 2 else "test"
    with psycopg.connect(plain_url(scenario.server.url("postgres")), autocommit=True) as admin:
        chain = Chain(
            scenario, project, expected, url, seed, environment, options, WEIGHTS,
            lambda fault, run: faults.strike(fault, run, name, admin),
        )  # fmt: skip
        with _readers(url, seed) if is_busy else _nobody():
            is_fine = chain.go()
    scenario.figures.count("runs", "histories brought to their head by disturbed runs")
    if is_fine:
        scenario.drop(name)


@contextmanager
def _nobody() -> Iterator[None]:
    yield


@contextmanager
def _readers(url: str, seed: int) -> Iterator[None]:
    """A session that reads one table after the other, in transactions of up to 0.3 s."""
    over, chance = threading.Event(), random.Random(seed)

    def read(conn: psycopg.Connection[Any]) -> None:
        tables = conn.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        if tables:
            conn.execute(psycopg.sql.SQL("SELECT count(*) FROM {}").format(
                psycopg.sql.Identifier(chance.choice(tables)[0])
            ))  # fmt: skip
        time.sleep(chance.uniform(0.02, 0.3))

    def reading() -> None:
        with psycopg.connect(plain_url(url), application_name="reader") as conn:
            while not over.wait(chance.uniform(0.05, 0.4)):
                try:
                    read(conn)
                except psycopg.errors.UndefinedTable:
                    continue
                finally:
                    conn.rollback()

    thread = threading.Thread(target=reading, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def restarted(world: World) -> None:
    """A chain on a server of its own, that is shut down under each run."""
    server = world.new_server("restarted")
    server.start()
    scenario = world.scenario("restarts", server)
    project = scenario.generated("restarts", world.seed, 12 if world.is_quick else COUNT)
    expected = scenario.undisturbed(project, "undisturbed")
    url = scenario.database("restarted")
    # This server answers before its log is written, as none does that keeps what matters.
    with psycopg.connect(plain_url(url), autocommit=True) as conn:
        conn.execute("ALTER DATABASE restarted SET synchronous_commit = on")

    def stop(mode: str) -> None:
        cluster.run(server.binaries / "pg_ctl", "stop", "-D", "data", "-m", mode, data=server.data)

    chain = Chain(
        scenario, project, expected, url, world.seed, "test", (),
        {Fault.FAST: 1, Fault.IMMEDIATE: 1},
        lambda fault, run: faults.shut_down(fault, run, stop),
        again=server.start,
    )  # fmt: skip
    chain.go()
    server.stop()
