"""What a session of the server waits for, who holds that, who queues behind it, and how far a build is."""

from __future__ import annotations

import dataclasses
import importlib.resources
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from notifydb.guard import Operation, Permit


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """A session as `pg_stat_activity` shows it; `age` is that of its transaction, in seconds.

    `query` is its last statement as the server has it, and `wants` the lock that it waits for.
    """

    pid: int
    application: str
    role: str | None
    host: str | None
    state: str
    age: float | None
    query: str
    blockers: tuple[int, ...] = ()
    wants: str | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it holds its transaction open and does nothing: a cancel would not reach it."""
        return self.state.startswith("idle in transaction")


@dataclasses.dataclass(frozen=True, slots=True)
class Blocker:
    """A session in the way; `depth` is 0 for one that holds the lock, 1 for who holds that one up, and so on."""

    session: Session
    depth: int


@dataclasses.dataclass(frozen=True, slots=True)
class Wait:
    """What a session waits for: the tree of blockers from the top, and who waits for the session itself."""

    pid: int
    wants: str
    blockers: tuple[Blocker, ...]
    behind: tuple[Session, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Building:
    """An index build; `done` and `total` count blocks or rows, as the phase does, 0 where it counts none."""

    index: str
    relation: str
    phase: str
    done: int
    total: int


def wait_of(conn: sa.Connection, pid: int) -> Wait | None:
    """What the session waits for, None if for no lock."""
    rows = conn.exec_driver_sql(_query("waiting")).mappings()
    sessions = {row["pid"]: _session(row) for row in rows}
    ours = sessions.get(pid)
    if ours is None or not ours.blockers:
        return None
    behind = tuple(each for each in sessions.values() if pid in each.blockers)
    return Wait(pid, ours.wants or "a lock", tuple(_tree(ours, sessions, 0, {pid})), behind)


def building_of(conn: sa.Connection, pid: int) -> Building | None:
    """The build that the session is at, None if it builds no index."""
    row = conn.execute(sa.text(_query("building")), {"pid": pid}).mappings().first()
    return None if row is None else Building(**row)


def cancel(conn: sa.Connection, session: Session, permit: Permit) -> bool:
    """Ends what the session does: its statement, or, idle in a transaction, the session. False if it is gone.

    Raises InternalError where the permit is for something else.
    """
    permit.require(Operation.CANCEL_BLOCKERS, str(conn.scalar(sa.text("SELECT current_database()"))))
    function = "pg_terminate_backend" if session.is_idle else "pg_cancel_backend"
    return bool(conn.scalar(sa.text(f"SELECT {function}(:pid)"), {"pid": session.pid}))


def _tree(session: Session, sessions: Mapping[int, Session], depth: int, seen: set[int]) -> Iterator[Blocker]:
    for pid in session.blockers:
        if pid in seen:
            continue
        seen.add(pid)
        blocker = sessions.get(pid) or _unknown(pid)
        yield Blocker(blocker, depth)
        yield from _tree(blocker, sessions, depth + 1, seen)


def _unknown(pid: int) -> Session:
    """A prepared transaction has no session and counts as 0 (Postgres docs section 9.27.1)."""
    state = "prepared transaction" if pid == 0 else "just ended"
    return Session(pid, "", None, None, state, None, "")


def _session(row: sa.RowMapping) -> Session:
    # Some pids come twice: a parallel worker counts as its leader.
    blockers = tuple(dict.fromkeys(row["blockers"]))
    return Session(
        row["pid"], row["application"] or "", row["role"], row["host"], row["state"] or "",
        row["age"], row["query"] or "", blockers, row["wants"],
    )  # fmt: skip


def _query(name: str) -> str:
    return importlib.resources.files("notifydb.postgres").joinpath("sql", f"{name}.sql").read_text("utf-8")
