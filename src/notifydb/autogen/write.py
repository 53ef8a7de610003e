"""Writes the files of new migrations from the project's own template."""

from __future__ import annotations

import ast
import dataclasses
import datetime
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from mako.template import Template

from notifydb import errors
from notifydb.autogen.render import Body
from notifydb.migrator.config import Project
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
        source = _render(template, _Declared(named.id, head, depends_on, wanted.message, body))
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


@dataclasses.dataclass(frozen=True, slots=True)
class _Declared:
    """What the head of one file says, and its bodies."""

    revision: str
    down: str | None
    depends_on: tuple[str, ...]
    message: str
    body: Body


def _render(template: Path, declared: _Declared) -> str:
    """Names are those that Alembic gives to `script.py.mako`, which is the project's and may use any."""
    body, depends_on = declared.body, declared.depends_on
    message = " ".join([*declared.message.split(), *([f"({body.suffix})"] if body.suffix else [])])
    try:
        text = Template(filename=str(template)).render_unicode(  # noqa: S702
            up_revision=declared.revision, down_revision=declared.down, message=_for_docstring(message),
            imports="\n".join(body.imports), branch_labels=None,
            depends_on=depends_on[0] if len(depends_on) == 1 else depends_on or None,
            create_date=datetime.datetime.now(tz=datetime.UTC),
            upgrades=_indented(body.upgrade), downgrades=_indented(body.downgrade), comma=_comma,
        )  # fmt: skip
    except Exception as error:
        raise errors.ConfigurationError(f"{template.name} cannot be rendered: {error}") from error
    source = re.sub(r"\n{4,}", "\n\n\n", str(text))
    try:
        ast.parse(source)
    except SyntaxError as error:
        raise errors.ConfigurationError(
            f"{template.name} makes no Python: line {error.lineno}: {error.msg}"
        ) from error
    return source


def _for_docstring(message: str) -> str:
    """One line that ends no docstring and escapes nothing."""
    return message.replace("\\", "\\\\").replace('"', "'")


def _indented(body: str) -> str:
    """As the template wants it: its own indentation stands before the first line."""
    lines = body.splitlines()
    return "\n".join([lines[0], *(f"    {line}" if line else "" for line in lines[1:])]) if lines else "pass"


def _comma(value: str | tuple[str, ...] | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else ", ".join(value)
