"""One change of the schema, there and back, as Alembic operations."""

from __future__ import annotations

import dataclasses
import json
import re
import textwrap
from typing import Final

from alembic.autogenerate import render_op_text, renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import MigrateOperation

# As SQLAlchemy reads text: a name after a colon, but not after two, nor between two.
_PARAMETER: Final = re.compile(r"(?<![:\w\\]):(?=\w+(?![:\w]))")
_LINES: Final = re.compile(r"[^\n]*\n|[^\n]+")
_BREAKS: Final = re.compile("[\x7f-\x9f\u2028\u2029]")
_ESCAPE: Final = re.compile(r"\\:|:\w*\$")
_NOUNS: Final = {"fk": "foreign_key", "table_comment": "comment", "enum_value": "enum"}


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What the models have and the history does not make, or the other way round.

    `kind` is a verb and what it is about: `add_column`, `remove_fk`, `modify_nullable`, `add_enum_value`.
    `table` (or type, view, function) is as Postgres writes it, with its schema unless that is `public`;
    `name` is the column, index or constraint on it. `up` makes it so, `down` as it was.
    """

    kind: str
    table: str | None
    name: str | None
    description: str
    up: tuple[MigrateOperation, ...]
    down: tuple[MigrateOperation, ...]

    @property
    def noun(self) -> str:
        """What it is about, as `--only` and `--skip` name it."""
        noun = self.kind.partition("_")[2]
        return _NOUNS.get(noun, noun)


class Sql(MigrateOperation):
    """A statement that Alembic has no operation for; its text has no parameters."""

    def __init__(self, text: str) -> None:
        self.text = text


class Autocommit(MigrateOperation):
    """An operation outside of any transaction, as `CONCURRENTLY` wants it."""

    def __init__(self, operation: MigrateOperation) -> None:
        self.operation = operation


class NotValid(MigrateOperation):
    """A foreign key or check whose existing rows are not looked at yet."""

    def __init__(self, operation: MigrateOperation) -> None:
        self.operation = operation


def literal(text: str) -> str:
    """A Python literal of `text`; of several lines, one in parentheses that may be indented as a whole."""
    if "\n" not in text:
        return _quoted(text)
    lines = (f"    {_quoted(line)}" for line in _LINES.findall(text))
    return "\n".join(["(", *lines, ")"])


def _quoted(text: str) -> str:
    # Whoever indents the literal must find no line to break in it.
    return _BREAKS.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


@renderers.dispatch_for(Sql)
def _render_sql(_context: AutogenContext, operation: Sql) -> str:
    quoted = literal(_escaped(operation.text))
    return f"op.execute{quoted}" if quoted.startswith("(") else f"op.execute({quoted})"


@renderers.dispatch_for(Autocommit)
def _render_autocommit(context: AutogenContext, operation: Autocommit) -> str:
    inner = render_op_text(context, operation.operation)
    return f"with op.get_context().autocommit_block():\n{textwrap.indent(inner, '    ')}"


@renderers.dispatch_for(NotValid)
def _render_not_valid(context: AutogenContext, operation: NotValid) -> str:
    if isinstance(operation.operation, Sql):
        return render_op_text(context, Sql(f"{operation.operation.text} NOT VALID"))
    # Alembic before 1.20.1 renders no option of a dialect here, though the operation takes it.
    inner = render_op_text(context, operation.operation)
    return inner if "not_valid" in inner else f"{inner.removesuffix(')')}, postgresql_not_valid=True)"


def _escaped(sql: str) -> str:
    """What `sqlalchemy.text` takes for just this; where the text holds what is an escape to it, each colon gets one."""
    return sql.replace(":", r"\:") if _ESCAPE.search(sql) else _PARAMETER.sub(r"\:", sql)
