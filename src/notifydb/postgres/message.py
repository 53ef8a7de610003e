"""Statements that go to the server together: one message there, one back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg

from notifydb.postgres.connect import plain

Look = Callable[[psycopg.Cursor[Any]], None]


class Message:
    """Statements without parameters, each with what looks at its answer, which raises where it does not like it.

    They share the transaction that is open, or the one that the first of them begins.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[str, Look | None]] = []

    def add(self, statement: str, look: Look | None = None) -> None:
        """Adds a statement that gives one answer; `look` gets a cursor that stands on it."""
        self._parts.append((statement, look))

    def send(self, driver: psycopg.Connection[Any]) -> None:
        """Sends all, then looks at each answer in its turn; what listens to the connection's cursors is not told."""
        cursor = plain(driver)
        cursor.execute(";\n".join(statement for statement, _ in self._parts).encode())
        for number, (_, look) in enumerate(self._parts):
            if number:
                cursor.nextset()
            if look is not None:
                look(cursor)
