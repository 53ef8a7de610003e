"""A wait for a lock in words: what is wanted, who holds it, who queues behind."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.postgres.activity import Session, Wait

_NAMED = 3


def lines_of(wait: Wait) -> tuple[str, ...]:
    """A line for the lock, one for each session in the way, indented below the one it holds up, and the queue."""
    return tuple(_lines(wait))


def _lines(wait: Wait) -> Iterator[str]:
    yield f"waits for {wait.wants}"
    for each in wait.blockers:
        yield f"{'  ' * each.depth}blocked by {session_in_words(each.session)}"
    if wait.behind:
        named = ", ".join(_short(each) for each in wait.behind[:_NAMED])
        more = f" and {len(wait.behind) - _NAMED} more" if len(wait.behind) > _NAMED else ""
        yield f"{len(wait.behind)} queued behind it: {named}{more}"


def session_in_words(session: Session) -> str:
    """Who, since when, in what state, and what it said last."""
    place = f" on {session.host}" if session.host else ""
    age = f" for {duration(session.age)}" if session.age is not None else ""
    query = f": {session.query}" if session.query else ""
    return f"{_short(session)}{place}, {session.state}{age}{query}"


def duration(seconds: float) -> str:
    """`12 s`, `3 min`, `2 h`."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _short(session: Session) -> str:
    return f"{session.application or session.role or 'a session without a name'} (pid {session.pid})"
