"""Writes the files of new migrations from the project's own template."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from notifydb import errors
from notifydb.migrator.config import Project
from notifydb.migrator.template import Body, Declared, render
from notifydb.revisions import headfile, naming
from notifydb.revisions.changes import FileChange, FileChanges
from notifydb.revisions.graph import History

#: Takes the source and the path it will have, gives the source as it is to be written.
Formatter = Callable[[str, Path], str]


@dataclasses.dataclass(frozen=True, slots=True)
class NewMigration:
    """A migration that is not written yet; `shortened` tells that its id has not all words of the message."""

    revision: str
    path: Path
    source: str
    shortened: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class NewMigrations:
    """Migrations that are not written yet, each on the one before; `changes` writes them and the head file."""

    migrations: tuple[NewMigration, ...]
    changes: FileChanges


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asked for: `width` digits, a given id instead of the next number, what it depends on."""

    message: str
    width: int = 4
    rev_id: str | None = None
    depends_on: tuple[str, ...] = ()


def plan_new(
    project: Project,
    history: History,
    wanted: Wanted,
    bodies: Sequence[Body],
    *,
    head_file: Path | None,
    formatter: Formatter = lambda source, _: source,
) -> NewMigrations:
    """The next migrations on the head, one for each body.

    Raises HistoryError when there are several heads, UsageError for a message without a word, or an id that
    cannot be given.
    """
    head = history.head
    names = list(_names(history, wanted, bodies))
    template = project.script_location / "script.py.mako"
    made: list[NewMigration] = []
    for named, body in zip(names, bodies, strict=True):
        path = project.versions / f"{named.id}.py"
        depends_on = () if made else wanted.depends_on
        source = render(template, Declared(named.id, head, wanted.message, body, depends_on))
        made.append(NewMigration(named.id, path, formatter(source, path), named.shortened))
        head = named.id
    changes = [FileChange.of(None, each.path, each.source.encode()) for each in made]
    if head_file is not None and head is not None:
        changes.append(headfile.change(head_file, head))
    return NewMigrations(tuple(made), FileChanges(project.versions, tuple(changes)))


def _names(history: History, wanted: Wanted, bodies: Sequence[Body]) -> Iterator[naming.Named]:
    if wanted.rev_id is not None:
        yield _given(history, wanted.rev_id, len(bodies))
        return
    if not naming.slugify(wanted.message):
        raise errors.UsageError(
            "the message holds no word to name the migration by", hint='-m "add login uuid"'
        )
    for number, body in enumerate(bodies, start=naming.next_number(history)):
        yield naming.make_id(number, wanted.message, wanted.width, body.suffix)


def _given(history: History, revision: str, count: int) -> naming.Named:
    if not naming.is_legal(revision):
        raise errors.UsageError(
            f"{revision!r} can be no revision id: at most {naming.MAX_ID} letters, digits and underscores"
        )
    if revision in history.revisions:
        raise errors.UsageError(f"{revision} is there already", hint="notifydb history")
    if count > 1:
        raise errors.UsageError(
            f"one id was given, and the safe forms make {count} migrations",
            hint="leave --rev-id out, or write them in one with --plain",
        )
    return naming.Named(revision, shortened=False)
