"""Plain SQL, as it is piped into psql: cut into statements with their lines and transactions.

psql commits every statement by itself, unless the script says BEGIN. What `alembic upgrade A:B --sql` writes
is cut further, at its comments: each migration is judged for itself, on what the ones before it made.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from notifydb.errors import HistoryError
from notifydb.findings import Location, Skipped
from notifydb.lint.statement import Execution, Statement
from notifydb.lint.suppress import Ignore, Mark, read_mark
from notifydb.migrator.frames import Frame
from notifydb.revisions.graph import History, Revision
from notifydb.sql import facts
from notifydb.sql.comments import commented, comments
from notifydb.sql.facts import relation_of
from notifydb.sql.parse import Statement as Parsed
from notifydb.sql.parse import parse
from notifydb.sql.psql import without_commands

#: What a clone of the database does not contain: it would be done to the whole server.
_BEYOND = re.compile(
    r"(CREATE|ALTER|DROP)\s+(DATABASE|ROLE|USER(?!\s+MAPPING)|GROUP|TABLESPACE|SUBSCRIPTION|SYSTEM)\b"
    r"|COPY\b.*\bPROGRAM\b",
    re.IGNORECASE | re.DOTALL,
)
_RUNNING = re.compile(r"-- Running (upgrade|downgrade) (.*?) ?-> (\S*?)(?:, .*)?\s*")


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A statement at its lines. `transaction` counts from 1, None is outside of any.

    What is no `is_judged` is sent only: it begins and ends transactions, or is Alembic's own bookkeeping.
    """

    parsed: Parsed
    location: Location
    transaction: int | None
    is_judged: bool

    @property
    def execution(self) -> Execution:
        """As it is known without a run."""
        return Execution(self.parsed.text, (self.frame,), self.transaction)

    @property
    def frame(self) -> Frame:
        return Frame(self.location.path, self.location.line, self.location.end_line or self.location.line)


@dataclasses.dataclass(frozen=True, slots=True)
class Script:
    """A file of SQL, or the part of it that is one migration.

    `source` has the lines of the part, the others are empty. `revision` is what Alembic's comment says that
    it runs, `stands_on` the state that it runs on: None for the history's head. `begins_inside` tells whether
    it begins in an open transaction.
    """

    path: Path
    source: str
    steps: tuple[Step, ...]
    revision: str | None = None
    stands_on: tuple[str, ...] | None = None
    begins_inside: bool = False
    skipped: tuple[Skipped, ...] = ()

    @property
    def subject(self) -> Revision:
        """What the rules are told to judge: without an id, where it is no migration."""
        return Revision(self.revision or "", (), (), (), self.path)

    @property
    def name(self) -> str:
        return self.revision or str(self.path)

    def statements(self, executions: Sequence[Execution]) -> tuple[Statement, ...]:
        """The judged statements; `executions` are theirs, in order, as far as they were run."""
        judged = [step for step in self.steps if step.is_judged]
        rest = (step.execution for step in judged[len(executions) :])
        return tuple(
            Statement(self.subject, index, step.parsed, execution, step.location)
            for index, (step, execution) in enumerate(zip(judged, (*executions, *rest), strict=True))
        )

    def state_in(self, history: History) -> str | None:
        """The revision whose state the script runs on, None for an empty database.

        Raises HistoryError where there is not just one.
        """
        if self.stands_on is None:
            return history.head
        if len(self.stands_on) > 1:
            raise HistoryError("a merge stands on several states, so there is no one state to run it on")
        if self.stands_on and self.stands_on[0] not in history.revisions:
            raise HistoryError(f"the history has no {self.stands_on[0]}")
        return self.stands_on[0] if self.stands_on else None

    def reaches_beyond(self) -> str | None:
        """The beginning of a statement that would change the server, and not only the database."""
        found = (_BEYOND.match(step.parsed.text) for step in self.steps)
        return next((" ".join(match[0].split()) for match in found if match), None)

    def ignores(self) -> tuple[Ignore, ...]:
        """The suppressions in the comments, each for the statement that it ends, is in, or stands before."""
        found = []
        for comment in comments(self.source):
            mark = read_mark(comment.text)
            if mark is not None:
                found.append(self._ignore(mark, comment.line, comment.offset))
        return tuple(found)

    def _ignore(self, mark: Mark, line: int, offset: int) -> Ignore:
        if mark.is_for_file:
            first = self.steps[0].parsed.offset if self.steps else offset
            problem = None if offset <= first else "is not at the top of the file"
            mark = dataclasses.replace(mark, problem=mark.problem or problem)
            return Ignore(self.path, line, mark, 1, self.source.count("\n") + 1)
        of = commented(self.source, offset, [step.parsed for step in self.steps])
        if of is None:
            return Ignore(self.path, line, mark, line, line)
        return Ignore(self.path, line, mark, of.line, of.line + of.text.count("\n"), of.text)


def read_scripts(path: Path, text: str, *, single_transaction: bool = False) -> tuple[Script, ...]:
    """The parts of a script; `path` is how it is shown. All of it runs in one transaction, or as psql does it."""
    source, commands = without_commands(text)
    skipped = tuple(
        Skipped(f"{path}:{each.line}", "statement", f"psql's own: {each.text}") for each in commands
    )
    found: list[Script] = []
    is_open, count = single_transaction, int(single_transaction)
    for part, running in _parts(source):
        steps = tuple(_steps(path, part, is_open=is_open, count=count))
        found.append(_script(path, part, steps, running, begins_inside=is_open))
        is_open, count = _after(steps, is_open=is_open, count=count)
    return (dataclasses.replace(found[0], skipped=skipped), *found[1:])


def _script(
    path: Path, source: str, steps: tuple[Step, ...], running: re.Match[str] | None, *, begins_inside: bool
) -> Script:
    if running is None:
        return Script(path, source, steps, begins_inside=begins_inside)
    direction, left, right = running.groups()
    stands_on = tuple(each.strip() for each in left.split(",") if each.strip())
    revision = right if direction == "upgrade" else ", ".join(stands_on)
    return Script(path, source, steps, revision, stands_on, begins_inside)


def _parts(source: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """The text of each migration, after as many empty lines as stand before it."""
    marks = [(each, found) for each in comments(source) if (found := _RUNNING.fullmatch(each.text))]
    # What is before the first migration, a BEGIN and the version table, goes with it.
    begins = [0, *(comment.offset for comment, _ in marks[1:]), len(source)]
    for number, begin in enumerate(begins[:-1]):
        blank = "\n" * source.count("\n", 0, begin)
        yield blank + source[begin : begins[number + 1]], marks[number][1] if marks else None


def _steps(path: Path, source: str, *, is_open: bool, count: int) -> Iterator[Step]:
    for parsed in parse(source):
        command = next((each.command for each in parsed.facts if isinstance(each, facts.Transaction)), None)
        if command == "begin" and not is_open:
            is_open, count = True, count + 1
        location = Location(path, parsed.line, parsed.line + parsed.text.count("\n"))
        yield Step(parsed, location, count if is_open else None, command is None and not _is_alembics(parsed))
        if command in ("commit", "rollback"):
            is_open = False


def _after(steps: Sequence[Step], *, is_open: bool, count: int) -> tuple[bool, int]:
    """Whether a transaction is open after these steps, and how many there were."""
    for step in steps:
        commands = {each.command for each in step.parsed.facts if isinstance(each, facts.Transaction)}
        is_open = step.transaction is not None and not commands & {"commit", "rollback"}
        count = max(count, step.transaction or 0)
    return is_open, count


def _is_alembics(parsed: Parsed) -> bool:
    relations = [relation_of(each) for each in parsed.facts]
    return any(each is not None and each.name == "alembic_version" for each in relations)
