"""What `migrate new` writes, and what it tells of it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from notifydb import errors
from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.autogen.write import NewMigrations, Wanted
    from notifydb.cli.authoring import Draft
    from notifydb.findings import Report


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a draft: `planned` is None where there is nothing to write, `report` where nobody judged.

    `failed` tells that one of the files does not even run.
    """

    draft: Draft
    planned: NewMigrations | None
    report: Report | None
    is_written: bool
    failed: errors.MigrationFailed | None = None


def write(deps: Deps, draft: Draft, wanted: Wanted, *, dry_run: bool, lint: bool) -> Outcome:
    """Writes the files of the draft, and judges them."""
    from notifydb.cli import authoring
    from notifydb.revisions import changes

    if not draft.bodies:
        return Outcome(draft, None, None, is_written=False)
    planned = authoring.planned(deps, draft, wanted)
    if dry_run:
        return Outcome(draft, planned, None, is_written=False)
    changes.apply(planned.changes)
    written = Outcome(draft, planned, None, is_written=True)
    return _judged(written, planned) if lint else written


def _judged(written: Outcome, planned: NewMigrations) -> Outcome:
    """With the report; where what stands on another cannot be judged because that one fails, with the failure."""
    from notifydb.cli.lint_run import judged

    try:
        report = judged(Deps(), [each.revision for each in planned.migrations])
    except errors.MigrationFailed as error:
        error.hint = "mend what was written, or delete it; then: notifydb lint"
        return dataclasses.replace(written, failed=error)
    return dataclasses.replace(written, report=report)


def as_json(deps: Deps, outcome: Outcome) -> None:
    """The whole outcome as one document; raises as `show` does."""
    draft, planned = outcome.draft, outcome.planned
    made = [
        {"revision": each.revision, "path": deps.relative(each.path)}
        for each in (planned.migrations if planned else ())
    ]
    first = made[0] if made else {"revision": None, "path": None}
    deps.console.json(
        {
            **first,
            "migrations": made,
            "written": outcome.is_written,
            "differences": [each.description for each in draft.changes],
            "left": [{"description": each.change.description, "reason": each.reason} for each in draft.left],
            "notes": list(draft.notes),
            "findings": None if outcome.report is None else len(outcome.report.findings),
        }
    )
    if outcome.failed is not None:
        raise outcome.failed


def show(deps: Deps, outcome: Outcome, todo: str) -> None:
    """What is left out and why, what is written and where, and what lint says of it; `todo` comes next.

    Raises MigrationFailed at the end where one of the files does not run.
    """
    say, draft = deps.console.say, outcome.draft
    for reason, descriptions in draft.left_by_reason().items():
        say(f"left out ({reason}):", style="dim")
        for description in descriptions:
            say(f"  {description}", style="dim")
    for change in draft.changes:
        say(f"  {change.description}")
    for note in draft.notes:
        say(note, style="yellow")
    if outcome.planned is None:
        say(_nothing(draft), style="green")
    elif not outcome.is_written:
        deps.console.data(outcome.planned.changes.diff(deps.loaded.root).rstrip("\n"))
    else:
        _show_files(deps, outcome.planned, outcome.report)
        if outcome.failed is not None:
            raise outcome.failed
        say(f"next: {todo}", style="cyan")


def _show_files(deps: Deps, planned: NewMigrations, report: Report | None) -> None:
    if any(each.shortened for each in planned.migrations):
        deps.console.say("the name was shortened by whole words: a revision id has at most 32 characters")
    for each in planned.migrations:
        deps.console.data(deps.relative(each.path))
    if report is not None:
        deps.console.say(_rendered(deps, report))


def _nothing(draft: Draft) -> str:
    """Why there is nothing to write."""
    if not draft.left:
        return "nothing to write: the history makes just what the models say"
    return "nothing to write: all that differs is left out (--everything writes it)"


def _rendered(deps: Deps, report: Report) -> str:
    """The report for people."""
    from notifydb.reporters.base import View
    from notifydb.reporters.formats import REPORTERS

    if report.findings:
        return REPORTERS["terminal"](report, View(deps.loaded.root, color=False, verbose=False)).rstrip()
    skipped = f"; {len(report.skipped)} could not be checked: notifydb lint -v" if report.skipped else ""
    return f"lint: no findings{skipped}"
