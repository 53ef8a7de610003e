"""Compares the models with a shadow replay of the history, through Alembic's autogenerate."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
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
                tuple(dict.fromkeys(_differences(script.upgrade_ops.as_diffs()))),
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


def _differences(diffs: Iterable[Any]) -> Iterator[Difference]:
    """Alembic tells the changes of a column as a list of tuples, everything else as one tuple."""
    for diff in diffs:
        for each in diff if isinstance(diff, list) else [diff]:
            yield _change(each) if each[0].startswith("modify_") else _presence(each)


def _change(diff: Any) -> Difference:
    kind, _, table, column, _, existing, wanted = diff
    was, becomes = (_WORDS.get(kind, str)(value) for value in (existing, wanted))
    what = kind.removeprefix("modify_")
    return Difference(kind, table, f"{table}.{column}: {what} {was} becomes {becomes}")


def _presence(diff: Any) -> Difference:
    kind, thing = diff[0], diff[-1]
    words = kind.replace("_", " ").replace(" fk", " foreign key")
    if isinstance(thing, sa.Table):
        return Difference(kind, thing.name, f"{words} {thing.name}")
    if isinstance(thing, sa.Column):
        return Difference(kind, diff[2], f"{words} {diff[2]}.{thing.name}")
    table = getattr(thing, "table", None)
    columns = ", ".join(column.name for column in getattr(thing, "columns", ()))
    name = thing.name or f"of {columns}"
    return (
        Difference(kind, table.name, f"{words} {name} on {table.name}")
        if table is not None
        else Difference(kind, None, f"{words} {thing}")
    )


def _default_text(default: Any) -> str:
    if default is None:
        return "none"
    argument = getattr(default, "arg", default)
    return str(getattr(argument, "text", argument))


_WORDS: dict[str, Callable[[Any], str]] = {
    "modify_nullable": lambda nullable: "NULL" if nullable else "NOT NULL",
    "modify_default": _default_text,
    "modify_comment": repr,
}
