"""A runner's events as JSON: one object a line, each with the version of their shape."""

from __future__ import annotations

import functools
from datetime import UTC, datetime

from notifydb.migrator import events as migrator
from notifydb.postgres.activity import Wait
from notifydb.runner import events

Document = dict[str, object]
_DONE = {"up": "applied", "down": "reverted", "stamp": "stamped"}


def line(name: str, **fields: object) -> Document:
    """One object of the log."""
    return {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": name, **fields}


@functools.singledispatch
def document(_event: object) -> Document | None:
    """The event's object; None for one that no log needs."""
    return None


@document.register
def _(event: migrator.Planned) -> Document | None:
    return line("planned", direction=event.direction, revisions=list(event.revisions))


@document.register
def _(event: migrator.Started) -> Document | None:
    return line("started", revision=event.revision, direction=event.direction)


@document.register
def _(event: migrator.Applied) -> Document | None:
    return line(
        _DONE[event.direction],
        revision=event.revision,
        direction=event.direction,
        seconds=round(event.seconds, 3),
    )


@document.register
def _(event: events.Waiting) -> Document | None:
    return line("waiting_for_runner", holder=event.holder)


@document.register
def _(event: events.Unmarked) -> Document | None:
    return line("unmarked", reason=event.error.message, hint=event.error.hint)


@document.register
def _(event: events.Replaced) -> Document | None:
    return line("replaced", revisions=list(event.revisions))


@document.register
def _(event: events.Blocked) -> Document | None:
    return line("blocked", revision=event.revision, wait=event.wait.to_json())


@document.register
def _(event: events.Retrying) -> Document | None:
    return line(
        "retrying", revision=event.revision, attempt=event.attempt, attempts=event.attempts,
        pause=round(event.seconds, 3), reason=event.reason, wait=_wait(event.wait),
    )  # fmt: skip


@document.register
def _(event: events.Progress) -> Document | None:
    building = event.building
    return line(
        "building", revision=event.revision, index=building.index, relation=building.relation,
        phase=building.phase, done=building.done, total=building.total, wait=_wait(event.wait),
    )  # fmt: skip


@document.register
def _(event: events.Working) -> Document | None:
    return line("working", revision=event.revision, seconds=round(event.seconds, 1))


@document.register
def _(event: events.Healed) -> Document | None:
    return line("healed", revision=event.revision, index=event.index, rebuilt=event.again)


@document.register
def _(event: events.Built) -> Document | None:
    return line("built_before", revision=event.revision, index=event.index)


@document.register
def _(event: events.Continued) -> Document | None:
    since = event.since and event.since.isoformat()
    return line(
        "continued", revision=event.revision, statements=event.statements, since=since, runner=event.runner
    )


@document.register
def _(event: events.Cancelled) -> Document | None:
    return line("cancelled", revision=event.revision, session=event.session.to_json())


@document.register
def _(event: events.Unwatched) -> Document | None:
    return line("unwatched", reason=event.reason)


def _wait(wait: Wait | None) -> Document | None:
    return None if wait is None else wait.to_json()
