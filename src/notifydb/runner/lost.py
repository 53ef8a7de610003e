"""What a migration would take away: what the guard of upgrades sees on a shadow, and what the text says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import psycopg

from notifydb import errors
from notifydb.guard import Request
from notifydb.lint.context import RevisionContext
from notifydb.lint.statement import Statement
from notifydb.migrator import execute
from notifydb.migrator.config import Project
from notifydb.migrator.events import Event, Ran, Started
from notifydb.postgres.connect import make_engine
from notifydb.postgres.cursors import Sent
from notifydb.postgres.ledger import Entry
from notifydb.revisions.graph import Revision
from notifydb.runner.destructive import Watch
from notifydb.runner.journal import Journal
from notifydb.runner.supervision import Supervision
from notifydb.shadow.database import Shadows
from notifydb.sql import facts
from notifydb.sql.facts import Relation

#: How many rows there are on the shadow says nothing of the target.
_COUNTED: Final = re.compile(r"deletes \d+ rows? of ")
#: The guard tells a TRUNCATE of an empty table by the name that is written there.
_WRITTEN: Final = re.compile(r"truncates (?!.*\.)")


class _Witness(Watch):
    """Watches as the guard does, and lets everything pass."""

    def __init__(self, request: Request, revision: Revision, url: str) -> None:
        super().__init__(request, url)
        self.begin(revision)
        self.seen: list[str] = []

    @property
    def needs_to_know(self) -> bool:
        return True

    def refuse(self, *lost: str) -> None:
        self.seen += lost


class _Unwritten(Journal):
    """What is committed on a shadow, nobody goes on from."""

    def commits(
        self, driver: psycopg.Connection[Any], *, alone: Sent | None = None, is_blind: bool = False
    ) -> None:
        """Writes nothing."""

    def answered(self, driver: psycopg.Connection[Any]) -> None:
        """Writes nothing."""


def losses(
    shadows: Shadows | None, project: Project, context: RevisionContext, request: Request
) -> tuple[str, ...]:
    """A phrase each, as the guard has them; on a shadow, also what functions and cascades take away."""
    seen = _witnessed(shadows, project, context.revision, request) if shadows else []
    named = [each for statement in context.statements for each in _named(statement, context)]
    same = [_WRITTEN.sub("truncates public.", _COUNTED.sub("deletes rows of ", each)) for each in seen]
    return tuple(dict.fromkeys([*same, *named]))


def _witnessed(shadows: Shadows, project: Project, revision: Revision, request: Request) -> list[str]:
    with shadows.at(next(iter(revision.down_revisions), None)) as url:
        witness = _Witness(request, revision, url)
        supervision = Supervision(witness, lambda _: None)
        engine = make_engine(url, application_name="notifydb upgrade --plan")

        def listen(event: Event) -> None:
            match event:
                case Started():
                    entry = Entry("upgrade", revision.id, "done")
                    supervision.begin(revision.id, _Unwritten(entry))
                case Ran():
                    supervision.stamping(begun_again=event.begun_again)
                case _:
                    pass

        # That it fails is told by the forecast; what it took away until then is told here.
        with witness.watching(), supervision.over(engine), suppress(errors.NotifydbError):
            execute.upgrade(engine, project, revision.id, history=shadows.history, listen=listen)
    return witness.seen


def _named(statement: Statement, context: RevisionContext) -> Iterator[str]:
    for fact in statement.facts:
        relation = getattr(fact, "relation", None)
        if isinstance(relation, Relation) and not context.is_new(relation, statement):
            phrase = _phrase(fact, ".".join(context.original(relation, statement).key))
            yield from [phrase] if phrase else []


def _phrase(fact: facts.Fact, table: str) -> str | None:
    match fact:
        case facts.DropTable():
            return f"drops table {table}"
        case facts.DropColumn():
            return f"drops column {table}.{fact.column}"
        case facts.Truncate():
            return f"truncates {table}"
        case facts.ChangeRows(command="delete"):
            return f"deletes rows of {table}"
        case _:
            return None


def untold(statements: Sequence[Statement], *, measured: bool) -> Iterator[str]:
    """Code of which only a run tells what it does, and only one on the target's own rows what it deletes."""
    for each in statements:
        for fact in each.each(facts.Opaque):
            what = fact.command.upper()
            told = f"whether {what} deletes rows depends on the rows" if measured else f"what {what} does"
            yield f"line {each.location.line}: {told}"
