"""The findings that `notifydb lint` leaves out, and the file in which it records them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from pathlib import Path

    from notifydb.findings import Report
    from notifydb.lint.baseline import Entry


def record(deps: Deps, report: Report) -> None:
    """Writes what was found; what the file says of migrations that were not judged stays."""
    from notifydb.lint import baseline
    from notifydb.reporters.words import count

    path = _path(deps)
    level: baseline.Level = "static" if report.untraced else "trace"
    # Where all is judged, what the file said does not matter: it may be in a conflict.
    old = None if report.judged.keys() >= deps.history.revisions.keys() else baseline.read(path)
    made = baseline.recorded(report, deps.history, level, old)
    try:
        path.write_text(str(made), encoding="utf-8")
    except OSError as error:
        raise errors.UsageError(f"{deps.relative(path)} cannot be written: {error.strerror}") from None
    findings = count(sum(entry.count for entry in made.entries), "finding")
    deps.console.data(f"wrote {deps.relative(path)}: {findings} that lint leaves out from now on")
    if report.untraced:
        deps.console.say(f"without what only the trace finds: {report.untraced}", style="yellow")


def left_out(deps: Deps, report: Report) -> Report:
    """The report without the findings that the baseline knows; what it knows in vain is told."""
    from notifydb.lint import baseline

    known = baseline.read(_path(deps))
    if known is None:
        return report
    compared = baseline.compared(report, known)
    if compared.gone:
        _tell(deps, compared.gone)
    if compared.is_outdone:
        deps.console.say("the baseline was recorded without a trace: what only the trace finds is new to it")
    return compared.report


def _path(deps: Deps) -> Path:
    return deps.loaded.root / deps.settings.lint.baseline


def _tell(deps: Deps, gone: tuple[Entry, ...]) -> None:
    shown = ", ".join(f"{entry.rule} in {entry.revision}" for entry in gone[:3])
    more = f" and {len(gone) - 3} more" if len(gone) > 3 else ""
    deps.console.say(f"no longer found, but in the baseline: {shown}{more}")
    deps.console.say("next: notifydb lint --all --baseline records what is left", style="cyan")
