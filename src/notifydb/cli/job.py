"""An upgrade or downgrade as it is watched: a live view on a terminal, lines in a log, or JSON."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from notifydb import errors
from notifydb.cli import signals

if TYPE_CHECKING:
    from notifydb.cli.console import Console, LiveView
    from notifydb.runner.events import Event

_OUTCOMES = {1: "check", 2: "configuration", 3: "refused", 4: "unavailable", 5: "proof", 6: "failed"}


class Job:
    """Tells a runner's events; `listen` is for the runner, `running` stands around its work."""

    def __init__(self, console: Console, operation: str, *, as_json: bool) -> None:
        self._console = console
        self._operation = operation
        self._as_json = as_json
        self._began = time.monotonic()
        self._applied: list[str] = []
        self._total = 0
        self._current: str | None = None
        self._live: LiveView | None = None

    def listen(self, event: Event) -> None:
        """Keeps count, and tells the event."""
        self._count(event)
        if self._as_json:
            from notifydb.cli import joblog

            if (document := joblog.document(event)) is not None:
                self._console.json_line(document)
        else:
            self._tell(event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Shows the live view, and ends promptly at a signal; as JSON, sums up what it raises."""
        try:
            with signals.promptly(), self._console.live(f"{self._operation}...") as self._live:
                yield
        except errors.NotifydbError as error:
            if self._as_json:
                self._summarize_error(error)
                raise typer.Exit(error.exit_code) from error
            self._tell_progress()
            raise
        except KeyboardInterrupt as stop:
            self._stopped(signals.exit_code(stop))
            raise

    def done(self, revision: str) -> None:
        """The work is done, and the database is at the revision."""
        if self._as_json:
            outcome = "done" if self._applied else "nothing"
            self._summary(outcome=outcome, exit_code=0, revision=revision)

    def _count(self, event: Event) -> None:
        from notifydb.migrator import events

        match event:
            case events.Planned():
                self._total = len(event.revisions)
            case events.Started():
                self._current = event.revision
            case events.Applied():
                self._applied.append(event.revision)
                self._current = None
            case _:
                pass

    def _tell(self, event: Event) -> None:
        from notifydb.cli import narration

        if self._live is not None:
            self._live.show(self._current or "", len(self._applied), self._total)
        for text, style in narration.lines(event):
            self._console.say(text, style=style)

    def _tell_progress(self) -> None:
        if self._applied:
            self._console.say(f"{len(self._applied)} of {self._total} done; the last is {self._applied[-1]}")

    def _stopped(self, code: int) -> None:
        if self._as_json:
            self._summary(outcome="stopped", exit_code=code, rolled_back=self._current)
            return
        self._tell_progress()
        if self._current is not None:
            self._console.say(
                f"{self._current} was cancelled; next: notifydb {self._operation}, the same way"
            )

    def _summarize_error(self, error: errors.NotifydbError) -> None:
        self._summary(
            outcome=_OUTCOMES.get(error.exit_code, "bug"),
            exit_code=error.exit_code,
            rolled_back=self._current,
            error=error.message,
            reasons=list(getattr(error, "reasons", ())),
            notes=list(getattr(error, "__notes__", ())),
            hint=error.hint,
        )

    def _summary(self, *, outcome: str, exit_code: int, **fields: object) -> None:
        from notifydb.cli import joblog

        self._console.json_line(
            joblog.line(
                "summary", operation=self._operation, outcome=outcome, exit_code=exit_code,
                applied=self._applied, seconds=round(time.monotonic() - self._began, 3), **fields,
            )
        )  # fmt: skip
