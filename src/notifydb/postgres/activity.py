"""What a session of the server waits for, who holds that, who queues behind it, and how far a build is."""

from __future__ import annotations

import dataclasses
import importlib.resources
from collections.abc import Callable, Iterator, Mapping

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

    def shown(self, mask: Callable[[str], str]) -> Session:
        """With its statement as `mask` shows it."""
        return dataclasses.replace(self, query=mask(self.query))

    def to_json(self) -> dict[str, object]:
        return {
            "pid": self.pid, "application": self.application, "role": self.role, "host": self.host,
            "state": self.state, "age": self.age, "query": self.query,
        }  # fmt: skip


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

    def shown(self, mask: Callable[[str], str]) -> Wait:
        """With each session's statement as `mask` shows it."""
        blockers = (dataclasses.replace(each, session=each.session.shown(mask)) for each in self.blockers)
        behind = (each.shown(mask) for each in self.behind)
        return dataclasses.replace(self, blockers=tuple(blockers), behind=tuple(behind))

    def to_json(self) -> dict[str, object]:
        return {
            "wants": self.wants,
            "blockers": [{"depth": each.depth, **each.session.to_json()} for each in self.blockers],
            "behind": [each.to_json() for each in self.behind],
        }


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
    sessions = _sessions(conn)
    return _wait(sessions[pid], sessions) if pid in sessions else None


def wait_of_any(conn: sa.Connection, application: str) -> Wait | None:
    """What a session of that name waits for, the first that does; None if none."""
    sessions = _sessions(conn)
    named = (each for each in sessions.values() if each.application == application)
    return next(filter(None, (_wait(each, sessions) for each in named)), None)


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


def _sessions(conn: sa.Connection) -> Mapping[int, Session]:
    """Those that wait for a lock and those in their way, by pid."""
    rows = conn.exec_driver_sql(_query("waiting")).mappings()
    return {row["pid"]: _session(row) for row in rows}


def _wait(session: Session, sessions: Mapping[int, Session]) -> Wait | None:
    if not session.blockers:
        return None
    behind = tuple(each for each in sessions.values() if session.pid in each.blockers)
    tree = tuple(_tree(session, sessions, 0, {session.pid}))
    return Wait(session.pid, session.wants or "a lock", tree, behind)


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
        row["pid"], row["application"] or "", row["role"], row["host"], row["state"],
        row["age"], row["query"] or "", blockers, row["wants"],
    )  # fmt: skip


def _query(name: str) -> str:
    return importlib.resources.files("notifydb.postgres").joinpath("sql", f"{name}.sql").read_text("utf-8")
