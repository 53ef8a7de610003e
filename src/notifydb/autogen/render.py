"""Operations as Python, in Alembic's own rendering."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Final

from alembic.autogenerate import render_op_text
from alembic.autogenerate.api import AutogenContext
from alembic.migration import MigrationContext
from alembic.operations.ops import MigrateOperation

from notifydb.autogen import enums
from notifydb.autogen.parts import Part
from notifydb.migrator.template import Body

_DIALECT_IMPORT: Final = "from sqlalchemy.dialects import postgresql"
_OPTIONS: Final = {
    "sqlalchemy_module_prefix": "sa.",
    "alembic_module_prefix": "op.",
    "user_module_prefix": None,
    "render_as_batch": False,
}


def body_of(part: Part, *, own_enums: bool = True) -> Body:
    """The part as Python; with `own_enums`, types are made by changes of their own and not with a table."""
    options = {**_OPTIONS, "render_item": enums.render_type if own_enums else None}
    context = AutogenContext(
        MigrationContext.configure(dialect_name="postgresql"), opts=options, autogenerate=False
    )
    context.imports = set()
    up, down = _text(context, part.up), _text(context, part.down)
    imports = {line for each in context.imports for line in each.splitlines() if line}
    if re.search(r"\bpostgresql\.", up + down):
        imports.add(_DIALECT_IMPORT)
    return Body(up, down, tuple(sorted(imports)), part.suffix)


def _text(context: AutogenContext, operations: Sequence[MigrateOperation]) -> str:
    rendered = [textwrap.dedent(render_op_text(context, each)).strip() for each in operations]
    return "\n".join(each for each in rendered if each) or "pass"
