"""What keeps purged rows from their place, in words that quote none of their values."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
import sqlalchemy as sa

from notifydb import errors
from notifydb.postgres import failures
from notifydb.postgres.relations import TableName

_MISFITS: Final = {
    "23505": "it would overwrite what is there",
    "23P01": "it would overwrite what is there",
    "23503": "what was purged refers to something that is not there any more",
}
#: A value that its type does not take, a constraint, an error that a function raises.
_CLASSES: Final = ("22", "23", "P0")
_ALWAYS_GENERATED: Final = "428C9"
_NO_PLACE: Final = "the schema does not allow it"
#: The server's words for a function are of its language; what has raised is not.
_RAISE: Final = "exec_stmt_raise"
_FUNCTION: Final = re.compile(r"^PL/pgSQL function .+ line \d+ at .+$", re.MULTILINE)
_COPIED_COLUMN: Final = re.compile(r"^COPY .+, line \d+, column (.+?):", re.MULTILINE)


@contextmanager
def refusing(table: TableName | None = None) -> Iterator[None]:
    """What the database does not let in leaves as Refused; `table` is the one that is written to."""
    try:
        yield
    except (sa.exc.DBAPIError, psycopg.Error) as error:
        refusal = _refusal(error, table)
        if refusal is None:
            raise
        raise refusal from error


def other_schema(*reasons: str) -> errors.Refused:
    """The refusal of what the schema has no place for any more."""
    return errors.Refused(
        "the restore is refused: the schema is not the one that the archive is of",
        reasons=reasons,
        hint="downgrade to the revision of that time, restore, and upgrade again",
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Misfit:
    """What the database does not let in; `what` in general, `why` with the place, and what is to be done about it."""

    what: str
    why: str
    hint: str | None = None


def misfit(error: sa.exc.DBAPIError | psycopg.Error, table: TableName | None = None) -> Misfit | None:
    """What is wrong with the rows, if it is them; `table` is the one that is written to."""
    original = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    state = failures.sqlstate(error) or ""
    if not isinstance(original, psycopg.Error) or not (state[:2] in _CLASSES or state == _ALWAYS_GENERATED):
        return None
    where = _where(original, table)
    # The words of a function, and the server's of a value, may be anybody's data.
    function = _FUNCTION.search(original.diag.context or "")
    if function or state.startswith("P0") or original.diag.source_function == _RAISE:
        return Misfit(
            "a function of the database raises an error",
            f"{where}{function.group() if function else 'nobody tells which'} ({state})",
            "mend what calls it, most often a trigger, or disable that, and run it again",
        )
    if state.startswith("22"):
        return Misfit(_NO_PLACE, f"{where}a value does not fit its type ({state})")
    return Misfit(_NO_PLACE, f"{where}{failures.first_line(error)}")


def _refusal(error: sa.exc.DBAPIError | psycopg.Error, table: TableName | None) -> errors.Refused | None:
    found, state = misfit(error, table), failures.sqlstate(error) or ""
    if found is None:
        return None
    if found.hint is not None:
        return errors.Refused(f"the restore is refused: {found.what}", reasons=(found.why,), hint=found.hint)
    if state in _MISFITS:
        return errors.Refused(
            f"the restore is refused: {_MISFITS[state]}", reasons=(failures.first_line(error),)
        )
    return other_schema(found.why)


def _where(error: psycopg.Error, table: TableName | None) -> str:
    """The table, and the column where the server tells it, with a colon; empty where nobody knows."""
    said = error.diag
    if table is None and said.schema_name and said.table_name:
        table = TableName(said.schema_name, said.table_name)
    copied = _COPIED_COLUMN.search(said.context or "")
    column = copied.group(1) if copied else said.column_name
    return "" if table is None else f"{table}.{column}: " if column else f"{table}: "
