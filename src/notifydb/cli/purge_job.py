"""A purge or a restore as it is watched: a live line on a terminal, lines in a log, or JSON."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from notifydb import errors
from notifydb.cli import signals

if TYPE_CHECKING:
    from notifydb.cli.console import Console
    from notifydb.purge.events import Event
    from notifydb.purge.execute import Purged
    from notifydb.purge.plan import Plan
    from notifydb.purge.restore import Restoration

_OUTCOMES = {2: "configuration", 3: "refused", 4: "unavailable", 5: "unproved"}
#: A log is not told each batch.
_BATCH_TOLD_EVERY = 5.0


class PurgeJob:
    """`listen` is for the purge, `running` stands around its work; `as_json` is one object a line on stdout."""

    def __init__(self, console: Console, operation: str, *, as_json: bool) -> None:
        self.as_json = as_json
        self._console = console
        self._operation = operation
        self._began = time.monotonic()
        self._batch_told = 0.0
        self._is_summed_up = False
        self._archive: str | None = None

    def listen(self, event: Event) -> None:
        """Tells the event."""
        from notifydb.cli import purge_text
        from notifydb.purge import events

        if isinstance(event, events.Archiving):
            self._archive = event.folder
        if self.as_json:
            if not isinstance(event, events.Reading) and self._is_to_be_told(event):
                self._line(_name(event), **_fields(event))
            return
        current = purge_text.progress(event)
        if current is not None:
            self._console.progress(current)
        for text, style in purge_text.lines(event):
            self._console.say(text, style=style)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ends promptly at a signal; as JSON, sums up what it raises."""
        try:
            with signals.promptly(self._too_late), self._console.working(f"{self._operation}..."):
                yield
        except errors.NotifydbError as error:
            if self.as_json:
                self._fail(_OUTCOMES.get(error.exit_code, "bug"), error.exit_code, error)
                raise typer.Exit(error.exit_code) from error
            raise
        except KeyboardInterrupt as stop:
            self._stopped(signals.exit_code(stop))
            raise
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if self.as_json:
                self._fail("bug", errors.InternalError.exit_code, error)
            raise

    def purged(self, plan: Plan, done: Purged | None, code: int) -> None:
        """The purge, or its dry run, has come to its end; the process ends with `code`."""
        if self.as_json:
            rows, blockers = done.rows if done else 0, list(plan.blockers)
            undone = "nothing" if plan.is_empty else "planned"
            outcome = "blocked" if code else "done" if done else undone
            self._summarize(outcome, code, rows=rows, planned=plan.rows, plan=plan.id, blockers=blockers)

    def restored(self, done: Restoration) -> None:
        """The restore, or its dry run, has come to its end."""
        if self.as_json:
            self._summarize("planned" if done.dry_run else "done", 0, rows=done.rows)

    def _is_to_be_told(self, event: Event) -> bool:
        from notifydb.purge import events

        if not isinstance(event, events.Batch):
            return True
        is_due = time.monotonic() - self._batch_told >= _BATCH_TOLD_EVERY
        if is_due:
            self._batch_told = time.monotonic()
        return is_due

    def _stopped(self, code: int) -> None:
        if self.as_json:
            self._summarize("stopped", code)
        else:
            self._console.say(
                f"the {self._operation} was stopped; what is committed stays so, and the same command goes on"
            )

    def _too_late(self, code: int) -> None:
        """The server does not answer, and the process ends without it."""
        if self.as_json:
            self._summarize("stopped", code)

    def _fail(self, outcome: str, code: int, error: Exception) -> None:
        reasons, hint = getattr(error, "reasons", ()), getattr(error, "hint", None)
        self._summarize(outcome, code, error=str(error), reasons=list(reasons), hint=hint)

    def _summarize(self, outcome: str, code: int, **fields: object) -> None:
        if self._is_summed_up:
            return
        self._is_summed_up = True
        seconds = round(time.monotonic() - self._began, 3)
        common = {"operation": self._operation, "outcome": outcome, "exit_code": code, "seconds": seconds}
        self._line("summary", **common, archive=self._archive, **fields)

    def _line(self, name: str, **fields: object) -> None:
        from datetime import UTC, datetime

        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._console.json_line({"time": now, "event": name, **fields})


def _name(event: Event) -> str:
    """`IndexBuilt` is `index_built`."""
    name = type(event).__name__
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")


def _fields(event: Event) -> Mapping[str, object]:
    return {field.name: _plain(getattr(event, field.name)) for field in dataclasses.fields(event)}


def _plain(value: object) -> object:
    from notifydb.postgres.activity import Wait
    from notifydb.postgres.relations import TableName

    match value:
        case TableName():
            return str(value)
        case Wait():
            return value.to_json()
        case _:
            return value
