"""One copy of the database after the other is purged, struck, purged on or restored, and looked at each time."""

from __future__ import annotations

import dataclasses
import random
import time
from collections.abc import Iterator
from typing import Final

from chaos.figures import Figures
from purge_chaos import archives, strikes
from purge_chaos.command import Command
from purge_chaos.strikes import Strike
from purge_chaos.world import Rows, State, World

_PURGE: Final = ("purge", "--prefix", "notify-tests-preview")
#: Who does not come to an end within so many undisturbed runs never will.
_MOST_RUNS: Final = 5
#: Seconds in which the server has to notice that a client is dead.
_NOTICED: Final = 30.0


@dataclasses.dataclass(slots=True)
class Reference:
    """What an undisturbed purge makes of the database, and the seconds that it and its restore work at least."""

    before: Rows
    after: Rows
    purge: float
    restore: float

    def heard(self, command: Command, code: int | None) -> None:
        """Learns from a purge that has ended undisturbed: a busy machine makes the first one slow."""
        if code == 0 and command.is_purge and command.worked > 1:
            self.purge = min(self.purge, command.worked)


def undisturbed(world: World) -> Reference:
    """Purges and restores one copy."""
    place = world.place("undisturbed")
    before = place.state()
    purge = _done(Command(place, *_PURGE))
    after = place.state()
    wrong = [*archives.differences(before, after, place.archives), *place.problems()]
    restore = _done(Command(place, "restore", *map(str, place.archives)))
    if wrong or place.state().rows != before.rows or after.rows == before.rows:
        raise SystemExit(f"undisturbed: {wrong}; {place.folder}")
    world.drop(place)
    return Reference(before.rows, after.rows, purge, restore)


def _done(command: Command) -> float:
    if (code := command.wait()) != 0:
        raise SystemExit(f"an undisturbed {command.log.stem} exits with {code}: {command.log}")
    return command.worked


class Story:
    """What happens to one copy; `chance` decides."""

    def __init__(
        self, world: World, number: int, chance: random.Random, reference: Reference, figures: Figures
    ) -> None:
        self.world = world
        self.chance = chance
        self.reference = reference
        self.figures = figures
        self.landed = 0
        self.is_fine = True
        whole = chance.random() < 0.2
        self.kind = "in one transaction" if whole else "in batches"
        # A server that loses its last commits is a harder one; the journal is in the same log.
        self.place = world.place(
            f"story_{number}", above=10**6 if whole else 1000, durable=chance.random() < 0.7
        )
        self.options = ("--jobs", "2") if not whole and chance.random() < 0.4 else ()
        self.now = self.place.state()

    def tell(self) -> int:
        """Goes through it, and drops the copy when all was as it has to be; the number of strikes that landed."""
        for _ in range(self.chance.randint(2, 6)):
            self._struck(*_PURGE, *self.options, usual=self.reference.purge * 0.7)
            if not self.is_fine or self.now.rows == self.reference.after:
                break
        ends = self.chance.choice(["purged", "purged", "restored", "purged and restored"])
        if self.is_fine and ends != "restored":
            self._purge_to_the_end()
        if self.is_fine and ends != "purged":
            self._restore()
        if self.is_fine:
            self.figures.count("stories", f"{self.kind}: {ends}")
            self.world.drop(self.place)
        return self.landed

    def _purge_to_the_end(self) -> None:
        for _ in range(_MOST_RUNS):
            command = Command(self.place, *_PURGE, *self.options)
            code = command.wait()
            self._look(command, code)
            if code == 0:
                break
            # The server may still hold what a dead session had, and says so.
            self._require(code == 4, f"an undisturbed run exits with {code}", command)
        self._require(self.now.rows == self.reference.after, "not what an undisturbed purge makes")
        self._require(not self.place.left_behind(), f"left behind: {self.place.left_behind()}")
        again = Command(self.place, *_PURGE)
        self._require(again.wait() == 0, "with nothing to do it does not exit with 0", again)

    def _restore(self) -> None:
        """Strikes some restores, and lets the last one be."""
        folders = [str(folder) for folder in self.place.archives]
        for _ in range(self.chance.randint(0, 2)):
            before = self.now.rows
            if before != self.reference.before:
                self._struck("restore", *folders, usual=self.reference.restore)
                whole = self.now.rows in (self.reference.before, before)
                self._require(whole, "a struck restore has put back a part")
        if self.is_fine and self.now.rows != self.reference.before:
            command = Command(self.place, "restore", *folders)
            code = command.wait()
            self._require(code == 0, f"an undisturbed restore exits with {code}", command)
            self._look(command, code)
        self._require(self.now.rows == self.reference.before, "not what was before the purge")

    def _struck(self, *arguments: str, usual: float) -> None:
        """Runs a command and strikes it, if it has not ended before."""
        command, how = Command(self.place, *arguments), strikes.draw(self.chance)
        strikes.wait(command, usual, self.chance)
        last, at = command.last, time.monotonic()
        landed = strikes.strike(how, command, self.place)
        code = command.wait()
        if how is Strike.CRASH and landed:
            self.world.server.start()
        self.figures.count("runs", f"notifydb {arguments[0]}")
        if landed:
            self._count(how, f"{arguments[0]}: {last}", code)
            assert command.ended is not None
            self.figures.longest("promptness", f"from {how.value} to the exit", command.ended - at)
        allowed = strikes.exit_codes(how, command) if landed else ()
        self._require(code in (0, *allowed), f"{arguments[0]} exits with {code} after {how.value}", command)
        self._look(command, code)

    def _count(self, how: Strike, last: str, code: int | None) -> None:
        self.landed += 1
        self.figures.count("strikes", how.value)
        self.figures.count("landed after", last)
        self.figures.count("exit codes", f"{how.value}: {code}")

    def _look(self, command: Command, code: int | None) -> None:
        """What has to hold at any moment."""
        self._until_quiet()
        self.reference.heard(command, code)
        self.now = self.place.state()
        for each in self._wrong():
            self._require(False, each, command)
        if code == 0 and command.is_purge:
            self._require(self.now.rows == self.reference.after, "it exits with 0 and is not done", command)
        missing = sum(r.total() for r in self.reference.before.values()) - sum(
            rows.total() for rows in self.now.rows.values()
        )
        self.figures.count("looked at", "states of the database")
        self.figures.count("looked at", "rows missing there, each of them found in an archive", missing)

    def _wrong(self) -> Iterator[str]:
        before = State(self.reference.before, frozenset())
        yield from archives.differences(before, self.now, self.place.archives)
        yield from self.place.problems()
        kept = ("users", "services", "user_to_service", "templates")
        for whole in (self.reference.before, self.reference.after):
            if all(self.now.rows[table] == whole[table] for table in kept):
                return
        yield "half of a state: some users or services are purged and others are not"

    def _until_quiet(self) -> None:
        began = time.monotonic()
        while not self.place.is_quiet():
            if time.monotonic() - began > _NOTICED:
                self._require(False, "sessions of a dead process are still there")
                return
            time.sleep(0.05)
        self.figures.longest(
            "promptness", "until the server has ended the sessions", time.monotonic() - began
        )

    def _require(self, holds: bool, what: str, command: Command | None = None) -> None:
        if not holds:
            self.is_fine = False
            log = command.log if command else self.place.folder
            self.figures.violated(self.place.name, what, self.place.url, log)
