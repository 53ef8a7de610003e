"""What a migration does to `alembic_version`, for one message together with what else ends it.

Alembic compiles a statement for each stamp and waits for its answer, which takes as long as a small migration.
"""

from __future__ import annotations

from typing import Any

import psycopg
from alembic.runtime.migration import HeadMaintainer, MigrationContext
from psycopg import sql

from notifydb import errors
from notifydb.postgres.message import Look, Message


class Stamps(HeadMaintainer):
    """Alembic's knowledge of the heads, whose changes are added to a message and not sent."""

    def __init__(self, context: MigrationContext, heads: tuple[str, ...]) -> None:
        super().__init__(context, heads)
        self._message = Message()

    def add_to(self, message: Message, step: Any) -> None:
        """Adds the step's stamp, which raises HistoryError where `alembic_version` is not what it was."""
        self._message = message
        self.update_to_step(step)

    def _insert_version(self, version: str) -> None:
        self.heads.add(version)
        self._message.add(
            f"INSERT INTO alembic_version (version_num) VALUES ({_literal(version)})"  # noqa: S608
        )

    def _delete_version(self, version: str) -> None:
        self.heads.remove(version)
        self._message.add(
            f"DELETE FROM alembic_version WHERE version_num = {_literal(version)}",  # noqa: S608
            _one_row_of(version),
        )

    def _update_version(self, from_: str, to_: str) -> None:
        self.heads.remove(from_)
        self.heads.add(to_)
        self._message.add(
            f"UPDATE alembic_version SET version_num = {_literal(to_)}"  # noqa: S608
            f" WHERE version_num = {_literal(from_)}",
            _one_row_of(from_),
        )


def _literal(version: str) -> str:
    return sql.Literal(version).as_string(None)


def _one_row_of(version: str) -> Look:
    def look(cursor: psycopg.Cursor[Any]) -> None:
        if cursor.rowcount != 1:
            raise errors.HistoryError(
                f"alembic_version held {version} when the migration began, and now in {cursor.rowcount} rows",
                hint="somebody runs alembic on this database; wait for it, then: notifydb status",
            )

    return look
