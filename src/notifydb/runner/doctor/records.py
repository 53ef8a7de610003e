"""What the schema notifydb says: the mark, migrations that were interrupted, files that were edited."""

from __future__ import annotations

from collections.abc import Iterator

from notifydb.findings import Severity
from notifydb.reporters.words import count
from notifydb.runner.doctor import compared
from notifydb.runner.doctor.ailment import Ailment
from notifydb.runner.doctor.examine import Edit, Examined
from notifydb.runner.journal import Part
from notifydb.runner.unfinished import done_by_hand, goes_on
from notifydb.settings.environment import Environment

_REASONS = {
    "missing": "nobody has said in it what it is: a purge is refused, and only the settings speak",
    "foreign": "it was written for another database: this one is a copy, and says nothing until it is marked anew",
    "unreadable": "it counts as production until it can be read",
}


def environment_mark(found: Examined) -> Iterator[Ailment]:
    """Missing, another database's, or not to be read."""
    state = found.target.mark.state
    if state == "present" or (state == "missing" and not found.has_tables):
        return
    yield Ailment(
        "environment-mark",
        f"the database's mark of what it is: {state}",
        _REASONS[state],
        (f"notifydb environment set {_said(found)}",),
        severity=Severity.WARNING,
    )


def _said(found: Examined) -> str:
    if found.target.mark.state == "unreadable":
        return "production"
    if found.environment is Environment.UNKNOWN:
        return "development|test|staging|production"
    return found.environment


def half_done_migrations(found: Examined) -> Iterator[Ailment]:
    """Migrations that left their transaction and were interrupted."""
    for (operation, revision), part in found.parts.items():
        at = f"{part.since:%Y-%m-%d %H:%M:%S}" if part.since else "an unknown time"
        limits, mend, otherwise = _ways_on(found, operation, revision, part)
        left = (
            f"with {count(part.changes, 'statement')} committed"
            if part.changes
            else "outside of a transaction"
        )
        stays = "so they stay" if part.changes else "and what it did there may have stayed"
        yield Ailment(
            "half-done-migrations",
            f"{revision} was cut short {left}",
            f"it had left its transaction, {stays}; at {at} by {part.runner}{limits}",
            mend,
            otherwise,
        )


def _ways_on(
    found: Examined, operation: str, revision: str, part: Part
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What speaks against going on, the command, and another one."""
    about = found.history, operation, revision, found.standing.current
    again = goes_on(*about)
    anew = f"{again} --from-start"
    if part.stuck:
        return f"; it cannot go on: {part.stuck}", (anew,), (done_by_hand(*about),)
    if part.returned:
        why = "; it goes on after them unless it reads the rows that one has returned, which are not kept"
        return why, (again,), (anew,)
    return "", (again,), ()


def edited_migrations(found: Examined) -> Iterator[Ailment]:
    """Applied migrations whose files hold another text now."""
    for each in found.edits:
        severity, why = _weighed(found, each)
        yield Ailment(
            "edited-migrations", f"{each.place} was edited after it was applied",
            f"{why}; it was applied at {each.entry.finished_at:%Y-%m-%d %H:%M:%S} by {each.entry.runner}",
            put_back(found, each), severity=severity,
        )  # fmt: skip


def _weighed(found: Examined, edit: Edit) -> tuple[Severity, str]:
    if edit.is_same:
        return Severity.INFO, "upgrade() does what was applied"
    if edit.is_same is False:
        return Severity.ERROR, "upgrade() does something else now: other databases will not be as this one"
    if not isinstance(found.replayed, str) and not compared.differences(found, found.replayed):
        return Severity.INFO, "the files as they are make just this catalog; their rows were not compared"
    return Severity.WARNING, "nobody here has the text that was applied: its upgrade() may be another"


def put_back(found: Examined, edit: Edit) -> tuple[str, ...]:
    """What brings back the file that was applied, or shows what became of it."""
    if edit.commit is not None:
        return (f"git checkout {edit.commit} -- {edit.place}",)
    if edit.revision.id in found.standing.replaced:
        return ("notifydb upgrade --take-back",)
    return (f"git log -p -- {edit.place}",)
