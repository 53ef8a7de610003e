"""What is done to a run, when, and where that landed."""

from __future__ import annotations

import dataclasses
import enum
import random
import re
import signal
import time
from collections.abc import Callable
from typing import Any, Final

import psycopg

from chaos.process import Upgrade

_SESSIONS: Final = """
    SELECT pid, state, query FROM pg_stat_activity
    WHERE datname = %s AND backend_start >= %s AND application_name LIKE %s
"""
#: A session that is to be terminated is waited for so long.
_APPEARS: Final = 3.0
_UNNAMED: Final = "CREATE INDEX CONCURRENTLY ON"


class Fault(enum.Enum):
    """How a run is disturbed."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    INT = "SIGINT"
    MIGRATING = "migrating session terminated"
    LOCK = "lock session terminated"
    BOTH = "both sessions terminated"
    FAST = "server shut down fast"
    IMMEDIATE = "server shut down at once"

    @property
    def signal(self) -> signal.Signals | None:
        return {Fault.KILL: signal.SIGKILL, Fault.TERM: signal.SIGTERM, Fault.INT: signal.SIGINT}.get(self)

    @property
    def sessions(self) -> tuple[str, ...]:
        """The application names, as patterns, of whom it terminates."""
        named = {Fault.MIGRATING: ("notifydb upgrade",), Fault.LOCK: ("notifydb lock %",)}
        return named.get(self, ("notifydb upgrade", "notifydb lock %") if self is Fault.BOTH else ())


#: How often each is drawn, where the server is not this run's own.
WEIGHTS: Final = {
    Fault.KILL: 8, Fault.TERM: 7, Fault.INT: 1, Fault.MIGRATING: 6, Fault.LOCK: 1, Fault.BOTH: 2,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Moment:
    """After so many migrations have begun, and some seconds more; 0: while the run starts up."""

    started: int
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Landing:
    """Where a fault has landed: in which migration, in which of its statements, and when."""

    fault: Fault
    running: str | None
    statement: str
    at: float


def moment(chance: random.Random) -> Moment:
    if chance.random() < 0.12:
        return Moment(0, chance.uniform(0, 1.3))
    return Moment(chance.randint(1, 5), chance.uniform(0, 0.35))


def wait_for(moment: Moment, run: Upgrade) -> bool:
    """Waits until the moment has come; False where the run ends before."""
    if moment.started and not run.wait_until(moment.started, 120):
        return False
    time.sleep(moment.seconds)
    return not run.has_ended


def strike(fault: Fault, run: Upgrade, database: str, admin: psycopg.Connection[Any]) -> Landing | None:
    """Does it to the run, by a signal or on the server; None where it has ended before."""
    pids = _appearing(fault, run, database, admin)
    statement = _statement(run, database, admin)
    running, at = run.running, time.monotonic()
    if run.has_ended or (fault.sessions and not pids):
        return None
    if fault.signal is not None:
        run.signal(fault.signal)
    for pid in pids:
        admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
    return Landing(fault, running, statement, at)


def shut_down(fault: Fault, run: Upgrade, stop: Callable[[str], None]) -> Landing | None:
    """Shuts the run's server down by `stop(mode)`."""
    if run.has_ended:
        return None
    landing = Landing(fault, run.running, "of a server that was shut down", time.monotonic())
    stop("fast" if fault is Fault.FAST else "immediate")
    return landing


def _appearing(fault: Fault, run: Upgrade, database: str, admin: psycopg.Connection[Any]) -> list[int]:
    """The pids that the fault terminates; waits for those that are not there yet."""
    deadline = time.monotonic() + _APPEARS
    while fault.sessions and not run.has_ended and time.monotonic() < deadline:
        found = [_sessions(run, database, each, admin) for each in fault.sessions]
        if all(found):
            return [pid for sessions in found for pid, _, _ in sessions]
        time.sleep(0.01)
    return []


def _sessions(
    run: Upgrade, database: str, application: str, admin: psycopg.Connection[Any]
) -> list[tuple[int, str, str]]:
    return admin.execute(_SESSIONS, (database, run.since, application)).fetchall()


def _statement(run: Upgrade, database: str, admin: psycopg.Connection[Any]) -> str:
    """What the migrating session is at, in a few words."""
    found = _sessions(run, database, "notifydb upgrade", admin)
    if not found:
        return "no migrating session"
    _, state, query = found[0]
    return f"in {_gist(query)}" if state == "active" else f"{state or 'unknown'}: between statements"


def _gist(query: str) -> str:
    words = " ".join(query.split())
    if words.startswith(_UNNAMED):
        return "CREATE INDEX CONCURRENTLY, unnamed"
    if "history" in words or "alembic_version" in words:
        return "stamp or record"
    found = re.match(r"((?:[A-Z]+ )*[A-Z]+)", words)
    gist = found[1] if found else words[:20]
    return "SELECT pg_sleep" if "pg_sleep" in words else gist
