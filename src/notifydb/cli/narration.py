"""What a runner tells, in words: for a person who watches, and for whoever reads the log afterwards."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from notifydb.migrator import events as migrator
from notifydb.postgres.waits import duration, lines_of, session_in_words
from notifydb.runner import events

if TYPE_CHECKING:
    from notifydb.cli.console import Console

_DONE = {"up": "applied", "down": "reverted", "stamp": "stamped"}


@functools.singledispatch
def lines(_event: object) -> Iterator[tuple[str, str | None]]:
    """The lines for an event, each with its style; none for what only a live view shows."""
    return iter(())


@lines.register
def _(event: migrator.Applied) -> Iterator[tuple[str, str | None]]:
    yield f"{_DONE[event.direction]} {event.revision} ({event.seconds:.2f} s)", None


@lines.register
def _(event: events.Waiting) -> Iterator[tuple[str, str | None]]:
    yield f"waiting for another runner: {event.holder}", None


@lines.register
def _(event: events.Unmarked) -> Iterator[tuple[str, str | None]]:
    yield f"warning: {event.error.message}; next: {event.error.hint}", "yellow"


@lines.register
def _(event: events.Replaced) -> Iterator[tuple[str, str | None]]:
    yield f"warning: {replaced_by(event.revisions)}", "yellow"


@lines.register
def _(event: events.Blocked) -> Iterator[tuple[str, str | None]]:
    first, *rest = lines_of(event.wait)
    yield f"{event.revision} {first}", "yellow"
    yield from ((f"  {line}", None) for line in rest)


@lines.register
def _(event: events.Retrying) -> Iterator[tuple[str, str | None]]:
    again = f"attempt {event.attempt} of {event.attempts} in {event.seconds:.1f} s"
    yield f"{event.revision} gives way ({event.reason}); {again}", "yellow"
    if event.wait is not None:
        yield from ((f"  {line}", None) for line in lines_of(event.wait))


@lines.register
def _(event: events.Progress) -> Iterator[tuple[str, str | None]]:
    building = event.building
    share = f", {building.done / building.total:.0%}" if building.total else ""
    yield f"{event.revision} builds {building.index} on {building.relation}: {building.phase}{share}", None
    if event.wait is not None:
        yield from ((f"  {line}", None) for line in lines_of(event.wait))


@lines.register
def _(event: events.Working) -> Iterator[tuple[str, str | None]]:
    yield f"{event.revision} is at work for {duration(event.seconds)}", None


@lines.register
def _(event: events.Healed) -> Iterator[tuple[str, str | None]]:
    left = "which a failed build had left INVALID" if event.again else "which was not finished"
    yield f"{event.revision}: dropped {event.index}, {left}", "yellow"


@lines.register
def _(event: events.Built) -> Iterator[tuple[str, str | None]]:
    yield f"{event.revision}: {event.index} is there already, valid and of the same definition", None


@lines.register
def _(event: events.Continued) -> Iterator[tuple[str, str | None]]:
    since = f" at {event.since:%Y-%m-%d %H:%M:%S}" if event.since else ""
    counted = "1 statement" if event.statements == 1 else f"{event.statements} statements"
    yield f"{event.revision} goes on after {counted} that {event.runner} had committed{since}", "yellow"


@lines.register
def _(event: events.Cancelled) -> Iterator[tuple[str, str | None]]:
    yield f"{event.revision}: ended {session_in_words(event.session)}", "yellow"


@lines.register
def _(event: events.Unwatched) -> Iterator[tuple[str, str | None]]:
    yield f"who is in the way cannot be told: {event.reason}", "yellow"


def told_to(console: Console) -> Callable[[object], None]:
    """A listener that says every event."""

    def listen(event: object) -> None:
        for text, style in lines(event):
            console.say(text, style=style)

    return listen


def replaced_by(revisions: tuple[str, ...]) -> str:
    """What is the matter with applied revisions whose files are others now, and the command that mends it."""
    return (
        f"{', '.join(revisions)} was applied from another file than the one here; "
        "next: notifydb upgrade --take-back takes that back and applies this one"
    )
