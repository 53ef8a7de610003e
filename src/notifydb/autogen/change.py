"""One change of the schema, there and back, as Alembic operations."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Final

from alembic.autogenerate import renderers
from alembic.autogenerate.api import AutogenContext
from alembic.operations.ops import MigrateOperation

_PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
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


@renderers.dispatch_for(Sql)
def _render(_context: AutogenContext, operation: Sql) -> str:
    return f"op.execute({literal(_escaped(operation.text))})"


def literal(text: str) -> str:
    """A Python literal of `text`, on lines of its own where it has several."""
    if "\n" not in text:
        return json.dumps(text, ensure_ascii=False)
    quoted = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return f'"""\n{quoted.strip()}\n"""'


def _escaped(sql: str) -> str:
    # For SQLAlchemy a colon before a name begins a parameter, unless it is part of a cast.
    return _PARAMETER.sub(r"\\:\1", sql)
