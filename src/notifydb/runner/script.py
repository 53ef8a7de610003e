"""Writes an upgrade as a script for psql: a transaction a migration, with the stamp in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import notifydb
from notifydb import errors
from notifydb.migrator import offline
from notifydb.migrator.config import Project
from notifydb.migrator.offline import Captured
from notifydb.revisions.graph import History, Revision
from notifydb.runner import tape
from notifydb.runner.plan import Plan, ends
from notifydb.shadow.database import Shadows
from notifydb.sql.facts import Transaction
from notifydb.sql.parse import Statement, parse

_SETTINGS: Final = """\
\\set ON_ERROR_STOP on
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
"""
_TAKEN_DOWN: Final = """\
--
-- These need a database to say what they send, so they were run on an empty one (it has only the rows that
-- migrations load), and what they sent there is below. Where a statement depends on rows, as in a loop over
-- them, it is that of an empty database: look at it, or run these with notifydb upgrade.\
"""
_VERSION_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
"""
_AT: Final = """\
DO $$
DECLARE
    found text := (SELECT string_agg(version_num, ', ' ORDER BY version_num COLLATE "C") FROM alembic_version);
BEGIN
    IF coalesce(found, 'base') <> {expected} THEN
        RAISE EXCEPTION 'this script begins at %, and the database is at %', {expected}, coalesce(found, 'base');
    END IF;
END
$$;
"""
_INSERT: Final = "INSERT INTO alembic_version (version_num) VALUES ({new});\n"
_UPDATE: Final = "UPDATE alembic_version SET version_num = {new} WHERE version_num = {old};\n"
_DELETE: Final = "DELETE FROM alembic_version WHERE version_num = {old};\n"
#: The number of a transaction that the migration does not begin itself.
_OWN: Final = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Script:
    """What psql runs; `taken_down` are the revisions that had to be run on a shadow to know it, and why."""

    text: str
    taken_down: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """What a migration sends; `not_offline` is why offline mode could not tell, None where it could."""

    revision: Revision
    sent: tuple[Captured, ...]
    not_offline: str | None = None


def write(project: Project, history: History, plan: Plan, shadows: Callable[[], Shadows]) -> Script:
    """The script that runs the plan's steps; `shadows` is called only where offline mode does not suffice.

    Raises MigrationFailed for a migration that can be written in no way, ShadowUnavailable where it takes a
    shadow and there is none.
    """
    steps = [_step(project, history, each, shadows) for each in plan.steps]
    taken_down = tuple((each.revision.id, each.not_offline) for each in steps if each.not_offline)
    page = _Page()
    page.head(plan, [revision for revision, _ in taken_down])
    done = {each.id for current in plan.current for each in history.chain(current)}
    rows = plan.current
    for step in steps:
        done.add(step.revision.id)
        after = ends(history, done)
        page.migration(step, list(_stamps(rows, after)))
        rows = after
    return Script("".join(page.parts), taken_down)


def _step(project: Project, history: History, revision: Revision, shadows: Callable[[], Shadows]) -> _Step:
    try:
        return _Step(revision, offline.capture(project, history, revision, exact=True))
    except errors.MigrationFailed as error:
        reason = error.message
    try:
        return _Step(revision, tape.record(shadows(), project, revision), reason)
    except (errors.MigrationFailed, errors.ShadowUnavailable) as error:
        message = f"{reason}; nor can it be taken down on a shadow: {error.message}"
        if isinstance(error, errors.ShadowUnavailable):
            raise errors.ShadowUnavailable(message, hint=error.hint) from error
        hint = "nothing was written; run it with notifydb upgrade instead"
        raise errors.MigrationFailed(message, revision=revision.id, hint=hint) from error


def _stamps(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """What makes alembic_version hold `after` instead of `before`."""
    gone = [each for each in before if each not in after]
    for new in (each for each in after if each not in before):
        if gone:
            yield _UPDATE.format(old=_literal(gone.pop(0)), new=_literal(new))
        else:
            yield _INSERT.format(new=_literal(new))
    for each in gone:
        yield _DELETE.format(old=_literal(each))


class _Page:
    """The script so far, and the number of the transaction that is open at its end."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self._open: int | None = None

    def head(self, plan: Plan, taken_down: Sequence[str]) -> None:
        begin = ", ".join(sorted(plan.current)) or "base"
        self._line(f"-- notifydb {notifydb.__version__}: from {begin} to {plan.target}, for psql --no-psqlrc")
        if taken_down:
            self._line(_TAKEN_DOWN)
            self.parts += [f"--   {each}\n" for each in taken_down]
        self.parts += ["\n", _SETTINGS, "\n"]
        if not plan.current:
            self.parts += [_VERSION_TABLE]
        self.parts += [_AT.format(expected=_literal(begin))]

    def migration(self, step: _Step, stamps: Sequence[str]) -> None:
        """Its statements, each in the transaction or outside of it as the migration sends them."""
        self._line(f"\n-- {step.revision.id}")
        if step.not_offline:
            self._line("-- as it ran on an empty database")
        for each in step.sent:
            self._send(each)
        self._begin(_OWN)
        self.parts += stamps
        self._end("COMMIT")

    def _send(self, sent: Captured) -> None:
        if sent.transaction != self._open:
            self._end("COMMIT")
        statements = parse(sent.sql)
        commands = [command for each in statements for command in _commands(each)]
        if commands and len(commands) == len(statements):
            self._control(commands)
            return
        # What is sent in one go is one transaction; psql sends statement by statement.
        together = len(statements) > 1 and not commands
        if sent.transaction is not None or together:
            self._begin(sent.transaction or _OWN)
        self._line(_terminated(sent.sql))
        if commands:
            self._open = (sent.transaction or _OWN) if commands[-1] == "begin" else None
        elif sent.transaction is None:
            self._end("COMMIT")

    def _control(self, commands: Sequence[str]) -> None:
        """BEGIN comes with the next statement, so that none stands around nothing."""
        for command in commands:
            if command != "begin":
                self._end(command.upper())

    def _begin(self, number: int) -> None:
        if self._open is None:
            self._line("BEGIN;")
            self._open = number

    def _end(self, how: str) -> None:
        if self._open is not None:
            self._line(f"{how};")
        self._open = None

    def _line(self, text: str) -> None:
        self.parts.append(f"{text}\n")


def _commands(statement: Statement) -> list[str]:
    """What it says about transactions; savepoints are statements like any other."""
    found = [each.command for each in statement.facts if isinstance(each, Transaction)]
    return [each for each in found if each != "savepoint"]


def _terminated(sql: str) -> str:
    """The text with a semicolon that no comment swallows."""
    text = sql.strip().rstrip(";").rstrip()
    return f"{text}\n;" if "--" in text.rpartition("\n")[2] else f"{text};"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
