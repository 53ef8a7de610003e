"""What a migration would send, without a database: Alembic's offline mode, statement by statement."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory

from notifydb import errors
from notifydb.migrator.config import Project, alembic_config, entered
from notifydb.migrator.frames import Frame, call_chain, entry_of, is_alembics_own
from notifydb.migrator.script import open_script
from notifydb.revisions.graph import History, Revision


@dataclasses.dataclass(frozen=True, slots=True)
class Captured:
    """Text sent in one go (it may hold several statements), and from where.

    `transaction` numbers the transactions of the migration; None is outside of any.
    """

    sql: str
    frames: tuple[Frame, ...]
    transaction: int | None


def capture(project: Project, history: History, revision: Revision) -> tuple[Captured, ...]:
    """Runs `upgrade()` of one revision in offline mode.

    Raises MigrationFailed when it cannot work without a database (it reads what it wrote, or its own data),
    ConfigurationError when it cannot be imported.
    """
    sink = _Sink(revision.path)
    with entered(project), redirect_stdout(io.StringIO()):
        script = open_script(project, history)
        step = _step(script, revision)
        with EnvironmentContext(alembic_config(project), script, fn=step, as_sql=True) as env:
            env.configure(
                dialect_name="postgresql",
                output_buffer=sink,
                literal_binds=True,
                transaction_per_migration=True,
                starting_rev=",".join(revision.down_revisions) or None,
            )
            try:
                with env.begin_transaction():
                    env.run_migrations()
            except Exception as error:
                raise errors.MigrationFailed(
                    f"{revision.id} does not run offline: {type(error).__name__}: {error}",
                    revision=revision.id,
                ) from error
    return tuple(sink.captured)


def _step(script: ScriptDirectory, revision: Revision) -> Any:
    found = script.get_revision(revision.id)
    assert found is not None

    def steps(_rev: Any, _context: MigrationContext) -> Iterator[Any]:
        yield MigrationStep.upgrade_from_script(script.revision_map, found)

    return steps


class _Sink(io.StringIO):
    """Alembic's output buffer: it writes one operation at a time, from inside of the operation's call."""

    def __init__(self, migration: Path) -> None:
        super().__init__()
        self.entry = entry_of(migration)
        self.captured: list[Captured] = []
        self._count = 0
        self._open = False

    def write(self, text: str) -> int:
        sql = text.strip().removesuffix(";").rstrip()
        frames = call_chain(self.entry) if sql and not sql.startswith("-- Running ") else ()
        command = sql.split(None, 1)[0].upper() if sql else ""
        if command == "BEGIN" and not self._open:
            self._count += 1
        if frames and not is_alembics_own():
            self.captured.append(Captured(sql, frames, self._count if self._open else None))
        if command in ("BEGIN", "COMMIT", "ROLLBACK"):
            self._open = command == "BEGIN"
        return len(text)
