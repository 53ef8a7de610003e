"""A purge's plan and events in words."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from notifydb.postgres.waits import lines_of
from notifydb.purge import events
from notifydb.reporters.words import bytes_of, count

if TYPE_CHECKING:
    from notifydb.cli.console import Console
    from notifydb.purge.plan import Plan

_Line = tuple[str, str | None]


def show_plan(console: Console, plan: Plan, *, forbidden: bool) -> None:
    """What would go and why, what stays and why; and with `forbidden`, what forbids it."""
    console.data(f"{plan.matched:,} rows of {plan.root} match {plan.prefix!r} in database {plan.database}")
    for example in plan.examples[:3]:
        console.data(f"  {example}")
    if not plan.is_empty:
        console.data(f"{'rows':>10}  {'size':>9}  table and the path to it")
    for table in plan.tables:
        path = f"  ({' > '.join(table.path)})" if len(table.path) > 1 else ""
        console.data(f"{table.rows:>10,}  {bytes_of(table.bytes):>9}  {table.table}{path}")
    for standing in plan.standing:
        console.data(f"  stays: {count(standing.rows, 'row')} through {standing.relation}: {standing.policy}")
    for group in plan.shared:
        console.data(f"  stays: {group.table} {group.key}: shared with {count(group.staying, 'other')}")
    for kept in plan.kept:
        console.data(f"  stays: {kept.table} {kept.label}: {kept.reason}")
    if plan.kept_count > len(plan.kept):
        console.data(f"  stays: {plan.kept_count - len(plan.kept):,} more like these")
    _show_strategy(console, plan)
    for text in plan.warnings:
        console.say(f"warning: {text}", style="yellow")
    for text in plan.blockers if forbidden else ():
        console.say(f"blocked: {text}", style="bold red")


def _show_strategy(console: Console, plan: Plan) -> None:
    strategy = plan.strategy
    if strategy.batched:
        console.data(
            f"  in batches of about {plan.settings.batch_rows:,}: {', '.join(map(str, strategy.batched))}"
        )
    for key in strategy.indexes:
        console.data(f"  for the time of the purge, an index: {key.child}({', '.join(key.child_columns)})")
    for index in plan.left_over:
        console.data(f"  left by a purge that was killed, and dropped: index {index}")
    for each in plan.unfinished:
        kept = f"what it has deleted is in {each.archive}" if each.archive else "it kept no archive"
        console.say(f"a purge of {each.prefix!r} by {each.runner} was cut short; {kept}", style="yellow")


@functools.singledispatch
def lines(_event: object) -> Iterator[_Line]:
    """The lines for an event, each with its style; none for what only a live view shows."""
    return iter(())


@functools.singledispatch
def progress(_event: object) -> str | None:
    """What is being done right now, for a live view; None for an event that does not tell."""
    return None


@progress.register
def _(event: events.Reading) -> str | None:
    return f"reading {event.table}"


@progress.register
def _(event: events.Deleting) -> str | None:
    return f"deleting {event.rows:,} rows of {event.table}"


@progress.register
def _(event: events.Batch) -> str | None:
    left = f", {event.left:.0f} s left" if event.left is not None else ""
    return (
        f"{event.table}: {event.done:,} of {event.planned:,} rows deleted, {event.rate:,.0f} a second{left}"
    )


@lines.register
def _(event: events.Waiting) -> Iterator[_Line]:
    yield f"waiting for another notifydb: {event.holder}", None


@lines.register
def _(event: events.Archiving) -> Iterator[_Line]:
    yield f"archive: {event.folder}", None


@lines.register
def _(event: events.IndexBuilt) -> Iterator[_Line]:
    if event.problem is None:
        yield f"built an index on {event.index} for the time of the purge ({event.seconds:.2f} s)", None
    else:
        yield f"no index on {event.index}, it takes longer without: {event.problem}", "yellow"


@lines.register
def _(event: events.IndexDropped) -> Iterator[_Line]:
    if event.problem is not None:
        yield f"{event.index} could not be dropped, the next purge does it: {event.problem}", "yellow"


@lines.register
def _(event: events.Drained) -> Iterator[_Line]:
    yield f"deleted {event.rows:,} rows of {event.table} in batches ({event.seconds:.2f} s)", None


@lines.register
def _(event: events.Vacuumed) -> Iterator[_Line]:
    if event.problem is not None:
        yield f"{event.table} was not vacuumed, it takes longer without: {event.problem}", "yellow"


@lines.register
def _(event: events.Slowed) -> Iterator[_Line]:
    yield f"waiting: {event.reason}", "yellow"


@lines.register
def _(event: events.Retrying) -> Iterator[_Line]:
    again = f"attempt {event.attempt} of {event.attempts} in {event.seconds:.1f} s"
    yield f"rolled back, gives way ({event.reason}); {again}", "yellow"
    if event.wait is not None:
        yield from ((f"  {line}", None) for line in lines_of(event.wait))


@lines.register
def _(event: events.Detached) -> Iterator[_Line]:
    yield f"detached {event.rows:,} rows: {event.relation}", None


@lines.register
def _(event: events.Deleted) -> Iterator[_Line]:
    yield f"deleted {event.rows:,} rows of {event.table} ({event.seconds:.2f} s)", None


@lines.register
def _(event: events.Triggered) -> Iterator[_Line]:
    yield f"warning: trigger {event.trigger} of {event.table} may change the rows that come back", "yellow"


@lines.register
def _(event: events.Restored) -> Iterator[_Line]:
    yield f"restored {event.rows:,} rows of {event.table} ({event.seconds:.2f} s)", None


@lines.register
def _(event: events.Proved) -> Iterator[_Line]:
    yield f"proved: no row left over and no orphan in {event.tables} tables", None


@lines.register
def _(_event: events.Committed) -> Iterator[_Line]:
    yield "committed", None
