"""The destructive guard of upgrades: what a migration takes away has to be permitted before it commits.

Inside a transaction the catalog is compared with the one before, and what is not permitted rolls back.
A statement outside of one is judged from its SQL before it runs, because nothing can take it back.
"""

from __future__ import annotations

import ast
import dataclasses
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy import event

from notifydb import errors, guard
from notifydb.guard import Request
from notifydb.postgres import losses
from notifydb.revisions.graph import Revision
from notifydb.revisions.reader import parse_module
from notifydb.sql import facts, parse

#: A module-level string of this name in a migration says, with its reason, that it destroys on purpose.
MARK = "destructive"


class Watch:
    """Watches one engine's connections; `running` is the migration that is under way."""

    def __init__(self, request: Request) -> None:
        """`request` is what the guard is asked; with the migration's own mark filled in."""
        self.request = request
        self.running: Revision | None = None
        self._before: losses.Snapshot = {}

    def attach(self, engine: sa.Engine) -> None:
        """Starts watching what the engine's connections do."""
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "before_cursor_execute", self._judge_statement)

    def check(self, conn: sa.Connection) -> None:
        """Compares the catalog inside the migration's transaction; raises Refused, and so rolls back."""
        with _cursor(conn) as cursor:
            lost = losses.losses(self._before, losses.snapshot(cursor))
        self._require(lost)

    def _begin(self, conn: sa.Connection) -> None:
        if not _is_outside_transaction(conn):
            with _cursor(conn) as cursor:
                self._before = losses.snapshot(cursor)

    def _judge_statement(self, conn: sa.Connection, _cursor: Any, statement: str, *_: Any) -> None:
        if self.running is not None and _is_outside_transaction(conn):
            found = [fact for each in parse.parse(statement) for fact in each.facts]
            self._require(tuple(text for fact in found if (text := _destroys(fact))))

    def _require(self, lost: tuple[str, ...]) -> None:
        if not lost or self.running is None:
            return
        request = dataclasses.replace(self.request, reasoned=reason_of(self.running) is not None)
        refusals = guard.refusals(request)
        if refusals:
            raise errors.Refused(
                f"{self.running.id} destroys data, and that is refused here",
                reasons=(*lost, *refusals),
                hint=f'if it is meant, say so in the migration: {MARK} = "why it may go"',
            )


def reason_of(revision: Revision) -> str | None:
    """The reason that the migration's own `destructive = "..."` gives, None where it says nothing."""
    reason = None
    for node in parse_module(revision.path.read_bytes(), revision.path).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))) if name == MARK:
                reason = text.strip() or None
    return reason


def _destroys(fact: facts.Fact) -> str | None:
    match fact:
        case facts.DropTable(relation=relation):
            return f"drops table {relation}"
        case facts.DropColumn(relation=relation, column=column):
            return f"drops column {relation}.{column}"
        case facts.Truncate(relation=relation):
            return f"truncates {relation}"
        case facts.ChangeRows(relation=relation, command="delete"):
            return f"deletes rows of {relation}"
        case facts.Opaque(command=command):
            return f"runs a {command} block outside of a transaction, which nothing can check or take back"
        case _:
            return None


def _is_outside_transaction(conn: sa.Connection) -> bool:
    driver = conn.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.autocommit


def _cursor(conn: sa.Connection) -> psycopg.Cursor[Any]:
    driver = conn.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor()
