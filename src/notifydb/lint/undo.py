"""Runs the downgrade of one migration on a shadow, and says what it leaves different from before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from notifydb import errors
from notifydb.migrator.config import Project
from notifydb.migrator.execute import run_each
from notifydb.migrator.frames import is_refusal, line_in
from notifydb.postgres.catalog import Catalog, catalog_at, compare
from notifydb.postgres.connect import make_engine
from notifydb.revisions.graph import Revision
from notifydb.shadow.database import Shadows

_SAID = {"extra": "is left behind", "missing": "does not come back", "changed": "is another than before"}
#: What goes and comes with its table; its names begin with the table's.
_PARTS = ("column", "constraint", "trigger", "policy", "comment")


@dataclasses.dataclass(frozen=True, slots=True)
class Undone:
    """`error` is why downgrade() failed, and `line` (from 1) where, if in the migration's own file.

    `different` tells, object by object, what is not as it was before upgrade().
    """

    error: str | None = None
    line: int | None = None
    different: tuple[str, ...] = ()


def undo(shadows: Shadows, project: Project, revision: Revision, before: Catalog) -> Undone | None:
    """Runs downgrade() on a clone with `revision` applied; None where it refuses on purpose.

    `before` is the catalog without it. Raises ShadowUnavailable.
    """
    with shadows.at(revision.id) as url:
        engine = make_engine(url, application_name="notifydb lint")
        try:
            run_each(engine, project, "down", [revision.id], history=shadows.history)
        except (errors.MigrationFailed, errors.HistoryError) as failed:
            cause = failed.__cause__ or failed
            return None if is_refusal(cause) else Undone(failed.message, line_in(revision.path, cause))
        return Undone(different=tuple(differences(before, catalog_at(url))))


def differences(before: Catalog, after: Catalog) -> Iterator[str]:
    """One phrase for each object that differs; what belongs to a differing table is left out."""
    tables = [name for kind, name in before.keys() ^ after.keys() if kind == "table"]
    constraints = {
        name.rsplit(".", 1)[-1] for kind, name in before.keys() ^ after.keys() if kind == "constraint"
    }
    for each in compare(before, after):
        if _is_part(each.kind, each.name, each.expected or each.actual or "", tables):
            continue
        if each.kind == "index" and each.name.rsplit(".", 1)[-1] in constraints:
            continue
        yield f"{each.kind} {each.name.removeprefix('public.')} {_SAID[each.what]}"


def _is_part(kind: str, name: str, definition: str, tables: list[str]) -> bool:
    if kind in _PARTS:
        return any(name.startswith(f"{table}.") for table in tables)
    if kind == "index":
        return any(f" ON {table} " in definition or f" ON ONLY {table} " in definition for table in tables)
    return kind == "sequence" and any(name.startswith(f"{table}_") for table in tables)
