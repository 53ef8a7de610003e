"""Operations as Python, in Alembic's own rendering."""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Sequence
from typing import Final

from alembic.autogenerate import render_op_text
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations.ops import MigrateOperation

from notifydb.autogen.parts import Part

_DIALECT_IMPORT: Final = "from sqlalchemy.dialects import postgresql"
_OPTIONS: Final = {
    "sqlalchemy_module_prefix": "sa.",
    "alembic_module_prefix": "op.",
    "user_module_prefix": None,
    "render_as_batch": False,
    "render_item": None,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Body:
    """The text of one migration's functions, not indented; `imports` are lines that it needs."""

    upgrade: str = "pass"
    downgrade: str = "pass"
    imports: tuple[str, ...] = ()
    suffix: str = ""


def body_of(part: Part) -> Body:
    """The part as Python."""
    context = AutogenContext(
        MigrationContext.configure(dialect_name="postgresql"), opts=dict(_OPTIONS), autogenerate=False
    )
    context.imports = set()
    up, down = _text(context, part.up), _text(context, part.down)
    imports = context.imports | ({_DIALECT_IMPORT} if re.search(r"\bpostgresql\.", up + down) else set())
    return Body(up, down, tuple(sorted(imports)), part.suffix)


def _text(context: AutogenContext, operations: Sequence[MigrateOperation]) -> str:
    rendered = [textwrap.dedent(render_op_text(context, each)).strip() for each in operations]
    return "\n".join(each for each in rendered if each) or "pass"
