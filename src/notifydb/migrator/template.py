"""The file of a migration, from the project's own `script.py.mako`."""

from __future__ import annotations

import ast
import dataclasses
import datetime
import re
from pathlib import Path

from mako.template import Template

from notifydb import errors


@dataclasses.dataclass(frozen=True, slots=True)
class Body:
    """The text of one migration's functions, not indented; `imports` are lines that it needs."""

    upgrade: str = "pass"
    downgrade: str = "pass"
    imports: tuple[str, ...] = ()
    suffix: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Declared:
    """What the head of one file says, and its bodies; `down` is None for the first of a history."""

    revision: str
    down: str | None
    message: str
    body: Body
    depends_on: tuple[str, ...] = ()


def render(template: Path, declared: Declared) -> str:
    """Names are those that Alembic gives to `script.py.mako`, which is the project's and may use any.

    Raises ConfigurationError for a template that cannot be rendered, or makes no Python.
    """
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
