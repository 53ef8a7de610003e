"""What is done to a command, and when."""

from __future__ import annotations

import enum
import random
import signal
import time
from typing import Final

import psycopg

from notifydb.postgres.connect import plain_url
from purge_chaos.command import Command
from purge_chaos.world import Place

_CUT: Final = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = %s AND backend_type = 'client backend' AND application_name LIKE %s
"""
#: A session that is to be cut is waited for so long.
_APPEARS: Final = 5.0


class Strike(enum.Enum):
    """How a command is disturbed."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    CUT = "its connection terminated"
    CUT_LOCK = "its lock's connection terminated"
    CRASH = "server stopped at once"


#: How often each is drawn.
WEIGHTS: Final = {Strike.KILL: 8, Strike.TERM: 6, Strike.CUT: 6, Strike.CUT_LOCK: 1, Strike.CRASH: 4}


def draw(chance: random.Random) -> Strike:
    return chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


def wait(command: Command, usual: float, chance: random.Random) -> None:
    """Until a random moment of a run that works for `usual` seconds; some of them while it starts up."""
    if chance.random() > 0.15:
        command.wait_for_events(1, 60)
    time.sleep(chance.uniform(0, usual))


def strike(how: Strike, command: Command, place: Place) -> bool:
    """Does it; False where the command has ended before."""
    if command.has_ended:
        return False
    match how:
        case Strike.KILL:
            command.signal(signal.SIGKILL)
        case Strike.TERM:
            command.signal(signal.SIGTERM)
        case Strike.CUT:
            return _cut(command, place, "notifydb %")
        case Strike.CUT_LOCK:
            return _cut(command, place, "notifydb lock %")
        case Strike.CRASH:
            place.world.crash()
    return True


def exit_codes(how: Strike, command: Command) -> tuple[int, ...]:
    """What a command that was struck may end with, besides 0 where all was done before."""
    if how is Strike.KILL:
        return (-signal.SIGKILL,)
    if how is Strike.TERM:
        # Before it has taken the signals over, and after all is told, the system ends it: to a shell the same.
        is_outside = not command.events or command.is_summed_up
        return (128 + signal.SIGTERM, *((-signal.SIGTERM,) if is_outside else ()))
    return (4,)


def _cut(command: Command, place: Place, application: str) -> bool:
    deadline = time.monotonic() + _APPEARS
    with psycopg.connect(plain_url(place.world.server.url("postgres")), autocommit=True) as conn:
        while not command.has_ended and time.monotonic() < deadline:
            row = conn.execute(_CUT, (place.name, application)).fetchone()
            if row is not None and row[0]:
                return True
            time.sleep(0.005)
    return False
