"""What a migration would send, without a database: Alembic's offline mode, statement by statement."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy.engine.mock import MockConnection

from notifydb import errors
from notifydb.migrator.config import Project, alembic_config, entered
from notifydb.migrator.foreign import contained
from notifydb.migrator.frames import Frame, call_chain, entry_of, is_alembics_own, reason
from notifydb.migrator.script import open_script
from notifydb.revisions.graph import History, Revision

#: Stands for a tab where Alembic writes; of the private use area, so that no text has it.
_TAB: Final = "\U000f0009"


@dataclasses.dataclass(frozen=True, slots=True)
class Captured:
    """Text sent in one go (it may hold several statements), and from where.

    `transaction` numbers the transactions of the migration; None is outside of any.
    """

    sql: str
    frames: tuple[Frame, ...]
    transaction: int | None


def capture(
    project: Project, history: History, revision: Revision, *, exact: bool = False
) -> tuple[Captured, ...]:
    """Runs `upgrade()` of one revision in offline mode; `exact` refuses what Alembic would only guess at.

    Raises MigrationFailed when it cannot work without a database (it reads what it wrote, or its own data),
    ConfigurationError when it cannot be imported.
    """
    sink = _Sink(revision.path)
    with entered(project), redirect_stdout(io.StringIO()):
        script = open_script(project, history)
        step = _step(script, revision)
        # Alembic says that it wants one, and takes those of a merge as well.
        parents: Any = revision.down_revisions
        with EnvironmentContext(alembic_config(project), script, fn=step, as_sql=True) as env:
            env.configure(
                dialect_name="postgresql",
                # No text is meant for the driver, to whom a percent sign would have to be doubled.
                dialect_opts={"paramstyle": "named"},
                output_buffer=sink,
                literal_binds=True,
                transaction_per_migration=True,
                starting_rev=parents or None,
            )
            context = env.get_context()
            _write_as_it_is(context.dialect)
            if exact:
                _write_no_guess(context.dialect)
                blind: Any = _Blind(context.dialect, context.impl.execute)
                context.connection = context.impl.connection = blind
            try:
                with env.begin_transaction(), contained():
                    env.run_migrations()
            except Exception as error:
                why = str(error) if isinstance(error, _NeedsDatabase) else reason(error)
                raise errors.MigrationFailed(
                    f"{revision.id} does not run offline: {why}", revision=revision.id
                ) from error
    return tuple(sink.captured)


def _step(script: ScriptDirectory, revision: Revision) -> Any:
    found = script.get_revision(revision.id)
    assert found is not None

    def steps(_rev: Any, _context: MigrationContext) -> Iterator[Any]:
        yield MigrationStep.upgrade_from_script(script.revision_map, found)

    return steps


def _write_as_it_is(dialect: sa.Dialect) -> None:
    """Backslashes are not doubled, as they need not be since Postgres 9.1, and tabs stay.

    Alembic writes four blanks for a tab, within a string as well: it gets to see another character for it.
    """

    def text(compiled: sa.Compiled) -> str:
        return (compiled.string or "").replace("\t", _TAB)

    for name in ("statement_compiler", "ddl_compiler"):
        compiler = getattr(dialect, name)
        setattr(dialect, name, type(compiler.__name__, (compiler,), {"__str__": text}))
    setattr(dialect, "_backslash_escapes", False)  # noqa: B010


def _write_no_guess(dialect: sa.Dialect) -> None:
    """SQLAlchemy writes NULL for a parameter that has no value, as which it reads each `:word` of a text."""
    whole: Any = dialect.statement_compiler

    def value(self: Any, bindparam: Any, *arguments: Any, **options: Any) -> str:
        if bindparam.required:
            raise _NeedsDatabase(
                f"it gives no value for :{bindparam.key}; write \\:{bindparam.key} where none is meant"
            )
        written: str = whole.render_literal_bindparam(self, bindparam, *arguments, **options)
        return written

    dialect.statement_compiler = type(whole.__name__, (whole,), {"render_literal_bindparam": value})


class _Blind(MockConnection):
    """What `op.get_bind()` is: Alembic's own drops the values of a statement, and answers None to a question."""

    def execute(self, obj: Any, parameters: Any = None, execution_options: Any = None) -> Any:  # noqa: ARG002
        if parameters:
            raise _NeedsDatabase("it hands over the values of a statement apart from it")
        self._execute_impl(obj)
        return _NoAnswer()

    def __getattr__(self, name: str) -> Any:
        raise _NeedsDatabase(f"it uses the connection itself ({name})")

    def _run_ddl_visitor(self, visitorcallable: Any, element: Any, **kwargs: Any) -> None:
        if kwargs.get("checkfirst") and element.name != "alembic_version":
            raise _NeedsDatabase("it makes or drops something only if it is missing, or there")
        super()._run_ddl_visitor(visitorcallable, element, **kwargs)


class _NeedsDatabase(AttributeError):
    """Only a database knows."""


class _NoAnswer:
    """The result of a statement, as long as nobody looks at it."""

    def __getattr__(self, _name: str) -> Any:
        raise _NeedsDatabase("it looks at what a statement returns")

    def __bool__(self) -> bool:
        raise _NeedsDatabase("it looks at what a statement returns")

    def __iter__(self) -> Any:
        raise _NeedsDatabase("it looks at what a statement returns")


class _Sink(io.StringIO):
    """Alembic's output buffer: it writes one operation at a time, from inside of the operation's call."""

    def __init__(self, migration: Path) -> None:
        super().__init__()
        self.entry = entry_of(migration)
        self.captured: list[Captured] = []
        self._begun = False
        self._count = 0
        self._open = False

    def write(self, text: str) -> int:
        sql = text.replace(_TAB, "\t").strip().removesuffix(";").rstrip()
        begins = sql.startswith("-- Running ")
        self._begun |= begins
        # What is written before is the version table's.
        frames = call_chain(self.entry) if sql and self._begun and not begins else ()
        command = sql.split(None, 1)[0].upper() if sql else ""
        if command == "BEGIN" and not self._open:
            self._count += 1
        if frames and not is_alembics_own():
            self.captured.append(Captured(sql, frames, self._count if self._open else None))
        if command in ("BEGIN", "COMMIT", "ROLLBACK"):
            self._open = command == "BEGIN"
        return len(text)
