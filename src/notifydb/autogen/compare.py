"""Compares the models with a shadow replay of the history, through Alembic's autogenerate."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations import ops

from notifydb.migrator.config import Project, entered, load_metadata
from notifydb.postgres.connect import make_engine
from notifydb.shadow.database import Shadows


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the models have and the history does not make, or the other way round."""

    kind: str
    table: str | None
    description: str


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, and the bodies of a migration that would remove them."""

    differences: tuple[Difference, ...]
    upgrade: str
    downgrade: str


def compare(project: Project, shadows: Shadows, head: str | None) -> Comparison:
    """Compares the models with the state that the history makes at `head` (None: an empty database).

    Raises ShadowUnavailable, MigrationFailed, and ConfigurationError when the models cannot be loaded.
    """
    with entered(project):
        metadata = load_metadata(project)
        with shadows.at(head) as url, make_engine(url).connect() as conn:
            context = MigrationContext.configure(conn, opts=_options(metadata))
            script = produce_migrations(context, metadata)
            assert script.upgrade_ops is not None
            assert script.downgrade_ops is not None
            return Comparison(
                tuple(_difference(each) for each in script.upgrade_ops.as_diffs()),
                _render(script.upgrade_ops, context),
                _render(script.downgrade_ops, context),
            )


def _options(metadata: sa.MetaData) -> dict[str, Any]:
    return {
        "target_metadata": metadata,
        "compare_type": True,
        "compare_server_default": True,
        "include_name": _include_name,
    }


def _include_name(name: str | None, type_: str, _parents: Any) -> bool:
    return not (type_ == "schema" and name == "notifydb")


def _render(operations: ops.OpContainer, context: MigrationContext) -> str:
    return render_python_code(operations, migration_context=context)  # type: ignore[arg-type]


def _difference(diff: Any) -> Difference:
    """Alembic tells a change of a column as a list of tuples, everything else as one tuple."""
    first = diff[0] if isinstance(diff, list) else diff
    kind = str(first[0])
    if kind.startswith("modify_"):
        _, _, table, column = first[:4]
        return Difference(kind, str(table), f"{table}.{column}: {first[-2]!s} becomes {first[-1]!s}")
    return Difference(kind, _table_of(first), f"{kind.replace('_', ' ')} {_name_of(first)}")


def _table_of(diff: Any) -> str | None:
    thing = diff[-1]
    if isinstance(thing, sa.Table):
        return thing.name
    if isinstance(thing, sa.Column):
        return str(diff[2])
    table = getattr(thing, "table", None)
    return None if table is None else str(table.name)


def _name_of(diff: Any) -> str:
    thing, table = diff[-1], _table_of(diff)
    name = str(getattr(thing, "name", None) or thing)
    return name if table in (None, name) else f"{table}.{name}"
