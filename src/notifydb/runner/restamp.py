"""A database follows revisions that moved: their ids, and what they stand on now."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from notifydb import errors
from notifydb.guard import Operation, Permit
from notifydb.postgres import ledger, version
from notifydb.postgres.connect import make_engine
from notifydb.revisions.graph import History
from notifydb.runner import rescue
from notifydb.runner.plan import Restamp, plan_restamp
from notifydb.runner.upgrade import Runner


def plan(standing: rescue.Standing, after: History, moves: Mapping[str, str]) -> Restamp | None:
    """What restamping does to the database; None if it has applied nothing of what moved.

    `moves` maps the folder's ids to those of `after`, for all that is renamed or gets another parent; none if
    the files have moved before. Raises HistoryError for a database whose revision cannot be found in `after`,
    and MigrationFailed while a downgrade is half done.
    """
    if standing.unfinished is not None:
        left = standing.unfinished
        finished = rescue.compare(standing.folder, left.becomes, standing.applied)
        return _follow(finished, after, moves) or left
    return _follow(standing, after, moves)


def _follow(standing: rescue.Standing, after: History, moves: Mapping[str, str]) -> Restamp | None:
    renames = standing.renames()
    if standing.lost:
        raise errors.HistoryError(
            f"{' and '.join(standing.lost)} is applied, and nothing tells what it is called here",
            hint="if all below it has run there: notifydb stamp REVISION",
        )
    if renames is None:
        raise errors.HistoryError(
            f"{' and '.join(standing.kept)} is applied, and no file here does the same",
            hint="notifydb upgrade --take-back",
        )
    earlier = {old: moves.get(new, new) for old, new in renames.items()}
    todo = plan_restamp(standing.history, after, {**moves, **earlier}, standing.current)
    # What is known of its parts is known by the old id, and is forgotten with the record of the new one.
    if todo is not None and (half_done := standing.half_taken_back()) is not None:
        raise half_done
    return todo


def restamp(
    runner: Runner, after: History, moves: Mapping[str, str], permit: Permit, move: Callable[[], None]
) -> Restamp | None:
    """Runs what is to lie below, calls `move`, which changes the files, and lets the version table follow.

    Killed in between, it leaves a state that Alembic knows, or one that the next call finishes from what is
    recorded. Raises as `plan` does, RunnerActive, MigrationFailed with the files as they were, and Refused.
    """
    with runner.alone() as still_ours:
        runner.prepare(None, Operation.RESTAMP, permit)
        if (left := runner.standing().unfinished) is not None:
            _write(runner, runner.history, left)
        standing = runner.standing()
        todo = _follow(standing, after, moves)
        if todo is None:
            move()
            return left
        if todo.first:
            with runner.rescued(standing) as before:
                before.run("upgrade", "up", tuple(each.id for each in todo.first), still_ours, watched=True)
            todo = dataclasses.replace(todo, rows=runner.current())
        _plan_in(runner, todo)
        move()
        _write(runner, after, todo)
        return todo


def _plan_in(runner: Runner, todo: Restamp) -> None:
    details = {"rows": todo.rows, "becomes": todo.becomes, "moved": dict(todo.moved)}
    with make_engine(runner.url).begin() as conn:
        ledger.record(conn, ledger.Entry(Operation.RESTAMP, None, "planned", details=details))


def _write(runner: Runner, after: History, todo: Restamp) -> None:
    """The version table and the record of it, in one transaction; the files have moved by now."""
    moved = dataclasses.replace(runner, history=after)
    with make_engine(runner.url).begin() as conn:
        version.replace_rows(conn, todo.rows, todo.becomes)
        for new in todo.moved.values():
            ledger.record(conn, moved.records.entry(Operation.RESTAMP, new, "done"))
