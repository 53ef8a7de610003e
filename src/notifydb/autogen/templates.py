"""Bodies of migrations that no comparison writes: the statements of a file, or a change of data in batches."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from alembic.operations.ops import MigrateOperation

from notifydb import errors
from notifydb.autogen.change import Autocommit, Sql
from notifydb.autogen.parts import Part
from notifydb.autogen.render import body_of
from notifydb.migrator.template import Body
from notifydb.sql import facts
from notifydb.sql.parse import Statement, parse

_MARK: Final = re.compile(r"^[ \t]*--[ \t]*downgrade[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_FROM_STDIN: Final = re.compile(r"\bFROM\s+STDIN\b", re.IGNORECASE)
_NO_WAY_BACK: Final = 'raise NotImplementedError("there is no way back: {} has no part after `-- downgrade`")'
_CONCURRENT: Final = (facts.CreateIndex, facts.DropIndex, facts.Reindex, facts.DetachPartition)
#: Statements that Postgres refuses inside of a transaction, by the parser's names.
_ALONE: Final = ("create_subscription_stmt", "drop_subscription_stmt")

_BACKFILL: Final = """
# The one place to fill in: a statement for 1,000 rows, whose WHERE finds none that is done. For example
#   UPDATE users SET login_uuid = gen_random_uuid()
#   WHERE id IN (SELECT id FROM users WHERE login_uuid IS NULL LIMIT 1000)
backfill = ""
if not backfill:
    raise NotImplementedError("no rows are changed yet: the statement belongs into `backfill`")
# Each statement commits by itself: its locks are short, and what is done stays done if it is stopped and run again.
with op.get_context().autocommit_block():
    while op.get_bind().exec_driver_sql(backfill).rowcount > 0:
        pass
"""
_BACKFILL_BACK: Final = """
# The rows keep what upgrade() wrote: what they held before is not known, and upgrade() may run again.
return
"""


def data_body() -> Body:
    """A change of many rows in short transactions, with one place to fill in; unfilled, it fails."""
    return Body(_BACKFILL.strip(), _BACKFILL_BACK.strip())


def sql_body(path: Path) -> Body:
    """Each statement of the file as an operation; those after a line `-- downgrade` are the way back.

    Raises UsageError for a file that cannot be read, holds no statement, or holds what cannot be one of a
    migration: broken SQL, psql's own commands, COPY FROM STDIN, BEGIN and COMMIT.
    """
    source = _read(path)
    up, down = _divided(source, path)
    statements = _statements(up, path, 0)
    if not statements:
        raise errors.UsageError(f"{path} holds no statement to upgrade with")
    if down is None:
        body = body_of(Part("", _operations(statements), ()))
        return dataclasses.replace(body, downgrade=_NO_WAY_BACK.format(path.name.replace('"', "'")))
    back = _statements(down, path, up.count("\n"))
    if not back:
        raise errors.UsageError(
            f"{path} holds no statement after `-- downgrade`",
            hint="leave that line out, and downgrade() says that there is no way back",
        )
    return body_of(Part("", _operations(statements), _operations(back)))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise errors.UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise errors.UsageError(f"{path} is no UTF-8 text: byte {error.start}") from error


def _divided(source: str, path: Path) -> tuple[str, str | None]:
    """The parts before and after the line `-- downgrade`, which is none inside of a string or comment."""
    marks = [mark for mark in _MARK.finditer(source) if _is_whole(source[: mark.start()])]
    if not marks:
        return source, None
    first, *more = marks
    if any(_is_whole(source[first.end() : mark.start()]) for mark in more):
        raise errors.UsageError(f"{path} has more than one line `-- downgrade`")
    return source[: first.start()], source[first.end() :]


def _is_whole(source: str) -> bool:
    return all(statement.problem is None for statement in parse(source))


def _statements(source: str, path: Path, lines_before: int) -> tuple[Statement, ...]:
    statements = parse(source)
    for statement in statements:
        objection = _objection(statement, source)
        if objection is not None:
            offset = statement.problem.offset if statement.problem else statement.offset
            line = source.count("\n", 0, offset) + 1 + lines_before
            raise errors.UsageError(f"{path}:{line}: {objection}")
    return statements


def _objection(statement: Statement, source: str) -> str | None:
    """Why it cannot be a statement of a migration."""
    if _FROM_STDIN.search(statement.text) and facts.Other("copy_stmt") in statement.facts:
        return "COPY FROM STDIN reads what a migration does not send; write INSERT"
    if any(isinstance(fact, facts.Transaction) and fact.command != "savepoint" for fact in statement.facts):
        return "the migration has a transaction already; leave BEGIN, COMMIT and ROLLBACK out"
    if statement.problem is None:
        return None
    if source[statement.problem.offset : statement.problem.offset + 1] == "\\":
        return "a command that begins with a backslash is psql's own, and no SQL"
    return statement.problem.message


def _operations(statements: Sequence[Statement]) -> tuple[MigrateOperation, ...]:
    return tuple(_each_operation(statements))


def _each_operation(statements: Sequence[Statement]) -> Iterator[MigrateOperation]:
    for statement in statements:
        operation = Sql(statement.text)
        yield Autocommit(operation) if any(map(_stands_alone, statement.facts)) else operation


def _stands_alone(fact: facts.Fact) -> bool:
    """Whether it cannot run inside of a transaction, or, as a new enum value, not be used in that."""
    if isinstance(fact, _CONCURRENT) and fact.concurrently:
        return True
    if isinstance(fact, facts.Reindex):
        return fact.kind == "other"
    if isinstance(fact, facts.Other):
        return fact.node in _ALONE
    return isinstance(fact, facts.AddEnumValue | facts.OutsideOnly)
