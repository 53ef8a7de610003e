"""The servers, databases and projects that the scenarios share."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from chaos.figures import Figures
from chaos.history import Generated, generate
from chaos.process import Upgrade
from chaos.truth import State, differences, state_of, untruths
from notifydb.postgres.connect import autocommit_engine
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.server import Server


@dataclasses.dataclass(slots=True)
class World:
    """`folder` holds all of it; `seed` decides what is random."""

    folder: Path
    seed: int
    is_quick: bool
    figures: Figures
    server: Server = dataclasses.field(init=False)
    _runs: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.server = self.new_server("server")

    def new_server(self, name: str) -> Server:
        return Server(self.folder / name, find_binaries())

    def scenario(self, name: str, server: Server | None = None) -> Scenario:
        return Scenario(self, name, server or self.server)

    def upgrade(self, project: Generated, url: str, *options: str, environment: str = "test") -> Upgrade:
        """Starts a run."""
        log = self.folder / "logs" / f"{next(self._runs):04}.jsonl"
        log.parent.mkdir(parents=True, exist_ok=True)
        return Upgrade(project.folder, url, log, *options, environment=environment)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Scenario:
    """One of the things that are done to it, on one server."""

    world: World
    name: str
    server: Server

    @property
    def figures(self) -> Figures:
        return self.world.figures

    def database(self, name: str, template: str = "template0") -> str:
        """The URL of a new database."""
        with autocommit_engine(self.server.url("postgres")).connect() as conn:
            conn.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.server.url(name)

    def drop(self, name: str) -> None:
        """Drops a database that nothing is wrong with."""
        with autocommit_engine(self.server.url("postgres")).connect() as conn:
            conn.exec_driver_sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def generated(self, name: str, seed: int, count: int) -> Generated:
        return generate(self.world.folder / "projects" / name, seed, count)

    def undisturbed(self, project: Generated, name: str) -> State:
        """What the history makes when nothing is done to the run."""
        url = self.database(name)
        run = self.world.upgrade(project, url)
        if (code := run.wait()) != 0:
            raise SystemExit(f"an undisturbed run exits with {code}: {run.log}\n{run.stderr[-2000:]}")
        return state_of(url)

    def violated(self, what: str, url: str, run: Upgrade | None = None) -> None:
        self.figures.violated(self.name, what, url, run.log if run else None)

    def holds_true(self, project: Generated, url: str, run: Upgrade | None = None) -> bool:
        """Whether the history and the stamp agree; tells where not."""
        wrong = list(untruths(url, project.revisions))
        for each in wrong:
            self.violated(each, url, run)
        return not wrong

    def is_same(self, expected: State, url: str, run: Upgrade) -> bool:
        """Whether schema and data are those of an undisturbed run; tells where not."""
        wrong = list(differences(expected, state_of(url)))
        for each in wrong:
            self.violated(each, url, run)
        return not wrong
