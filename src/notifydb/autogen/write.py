"""Writes the file of a new migration from the project's own template."""

from __future__ import annotations

import ast
import dataclasses
import datetime
import re
import textwrap
from pathlib import Path

from mako.template import Template

from notifydb import errors
from notifydb.autogen.compare import Comparison
from notifydb.migrator.config import Project
from notifydb.revisions import headfile, naming
from notifydb.revisions.changes import FileChange, FileChanges
from notifydb.revisions.graph import History

_DIALECT_IMPORT = "from sqlalchemy.dialects import postgresql"


@dataclasses.dataclass(frozen=True, slots=True)
class NewMigration:
    """A migration that is not written yet; `changes` writes it, and the head file with it."""

    revision: str
    path: Path
    shortened: bool
    changes: FileChanges


def plan_new(
    project: Project,
    history: History,
    message: str,
    comparison: Comparison | None,
    *,
    width: int,
    head_file: str,
) -> NewMigration:
    """The next migration on the head: its body from `comparison`, or empty.

    Raises HistoryError when there are several heads, UsageError for a message without a word.
    """
    if not naming.slugify(message):
        raise errors.UsageError(
            "the message holds no word to name the migration by", hint='-m "add login uuid"'
        )
    head = history.head
    named = naming.make_id(naming.next_number(history), message, width)
    path = project.versions / f"{named.id}.py"
    source = _render(project.script_location / "script.py.mako", named.id, head, message, comparison)
    changes = [FileChange.of(None, path, source.encode())]
    marker = project.script_location / head_file
    if marker.is_file():
        changes.append(FileChange.of(marker, marker, headfile.content(named.id)))
    return NewMigration(named.id, path, named.shortened, FileChanges(project.versions, tuple(changes)))


def _render(
    template: Path, revision: str, head: str | None, message: str, comparison: Comparison | None
) -> str:
    """Names are those that Alembic gives to `script.py.mako`, which is the project's and may use any."""
    upgrade, downgrade = (comparison.upgrade, comparison.downgrade) if comparison else ("pass", "pass")
    imports = _DIALECT_IMPORT if re.search(r"\bpostgresql\.", upgrade + downgrade) else ""
    try:
        text = Template(filename=str(template)).render_unicode(  # noqa: S702
            up_revision=revision, down_revision=head, message=_for_docstring(message), imports=imports,
            branch_labels=None, depends_on=None, create_date=datetime.datetime.now(tz=datetime.UTC),
            upgrades=_body(upgrade), downgrades=_body(downgrade), comma=_comma,
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
    return " ".join(message.split()).replace("\\", "\\\\").replace('"', "'")


def _body(rendered: str) -> str:
    """Alembic's rendering without its two marker comments, indented as the template wants it: after line one."""
    lines = [line for line in rendered.strip().splitlines() if not line.lstrip().startswith("# ###")]
    body = textwrap.dedent("\n".join(lines)).strip()
    return textwrap.indent(body, "    ").strip()


def _comma(value: str | tuple[str, ...] | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else ", ".join(value)
