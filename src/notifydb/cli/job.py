"""An upgrade or downgrade as it is watched: a live view on a terminal, lines in a log, or JSON."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from notifydb import errors
from notifydb.cli import signals

if TYPE_CHECKING:
    from notifydb.cli.console import Console, LiveView
    from notifydb.runner.events import Event

_OUTCOMES = {2: "configuration", 3: "refused", 4: "unavailable", 6: "failed"}


class Job:
    """Tells a runner's events; `listen` is for the runner, `running` stands around its work."""

    def __init__(self, console: Console, operation: str, *, as_json: bool) -> None:
        self._console = console
        self._operation = operation
        self._as_json = as_json
        self._began = time.monotonic()
        self._done: dict[str, list[str]] = {"up": [], "down": []}
        self._total = 0
        self._current: str | None = None
        self._current_of: Callable[[], tuple[str, ...]] | None = None
        self._is_summed_up = False
        self._live: LiveView | None = None
        if as_json:
            # Not only when there is something to tell: by then a signal may have cut another import in half.
            from notifydb.cli import joblog  # noqa: F401

    def asks(self, current: Callable[[], tuple[str, ...]]) -> None:
        """What the database is at is asked there, when a run has not come to its end."""
        self._current_of = current

    def waits_for_database(self, reason: str) -> None:
        """The server does not let anybody in yet."""
        if self._as_json:
            from notifydb.cli import joblog

            self._console.json_line(joblog.line("waiting_for_database", reason=reason))
        else:
            self._console.say(f"waiting for the database: {reason}")

    def listen(self, event: Event) -> None:
        """Keeps count, and tells the event."""
        from notifydb.migrator import events

        match event:
            case events.Planned():
                self._total += len(event.revisions)
            case events.Started():
                self._current = event.revision
            case events.Applied():
                self._done[event.direction].append(event.revision)
                self._current = None
            case _:
                pass
        self._tell(event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Shows the live view, and ends promptly at a signal; as JSON, sums up what it raises."""
        try:
            with signals.promptly(self._too_late), self._console.live(f"{self._operation}...") as self._live:
                yield
        except errors.NotifydbError as error:
            revision = self._ask()
            if self._as_json:
                self._summarize(_OUTCOMES.get(error.exit_code, "bug"), error.exit_code, revision, error)
                raise typer.Exit(error.exit_code) from error
            self._tell_progress()
            raise
        except KeyboardInterrupt as stop:
            self._stopped(signals.exit_code(stop))
            raise
        except (typer.Exit, typer.Abort):
            raise
        except BaseException as error:
            if self._as_json:
                self._summarize("bug", errors.InternalError.exit_code, self._ask(), error)
            raise

    def done(self, revision: str) -> None:
        """The work is done, and the database is at the revision."""
        if self._as_json:
            self._summarize("done" if any(self._done.values()) else "nothing", 0, revision)

    def _ask(self) -> str | None:
        """What the database is at; None where it does not tell."""
        if self._current_of is None or not self._as_json:
            return None
        try:
            return ", ".join(self._current_of()) or "base"
        except Exception:
            # Whatever it is, what the run ended with is to be told.
            return None

    def _tell(self, event: Event) -> None:
        if self._as_json:
            from notifydb.cli import joblog

            if (document := joblog.document(event)) is not None:
                self._console.json_line(document)
            return
        from notifydb.cli import narration

        if self._live is not None:
            self._live.show(self._current or "", self._count, self._total)
        for text, style in narration.lines(event):
            self._console.say(text, style=style)

    @property
    def _count(self) -> int:
        return sum(map(len, self._done.values()))

    def _tell_progress(self) -> None:
        if self._count:
            last = (self._done["up"] or self._done["down"])[-1]
            self._console.say(f"{self._count} of {self._total} done; the last is {last}")

    def _stopped(self, code: int) -> None:
        revision = self._ask()
        if self._as_json:
            self._summarize("stopped", code, revision)
            return
        self._tell_progress()
        if self._current is not None:
            self._console.say(
                f"{self._current} was cancelled; next: notifydb {self._operation}, the same way"
            )
        self._console.say("notifydb status shows where it stands")

    def _too_late(self, code: int) -> None:
        """The server does not answer, and the process ends without it."""
        if self._as_json:
            self._summarize("stopped", code, None)

    def _summarize(
        self, outcome: str, exit_code: int, revision: str | None, error: BaseException | None = None
    ) -> None:
        from notifydb.cli import joblog

        if self._is_summed_up:
            return
        self._is_summed_up = True
        self._console.json_line(
            joblog.line(
                "summary",
                operation=self._operation,
                outcome=outcome,
                exit_code=exit_code,
                revision=revision,
                applied=self._done["up"],
                reverted=self._done["down"],
                unfinished=self._current,
                seconds=round(time.monotonic() - self._began, 3),
                error=str(error) if error is not None else None,
                reasons=list(getattr(error, "reasons", ())),
                notes=list(getattr(error, "__notes__", ())),
                hint=getattr(error, "hint", None),
            )
        )
