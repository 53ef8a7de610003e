"""Runs the downgrade of one migration on a shadow, and says what it leaves different from before."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from notifydb import errors
from notifydb.migrator.config import Project
from notifydb.migrator.execute import run_each
from notifydb.migrator.frames import is_refusal, line_in
from notifydb.postgres import catalog
from notifydb.postgres.connect import make_engine
from notifydb.revisions.graph import Revision
from notifydb.shadow.database import Shadows

Objects = catalog.Catalog
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


def objects_at(url: str) -> Objects:
    """All objects of the database as text."""
    with make_engine(url, application_name="notifydb lint").connect() as conn:
        return catalog.read_catalog(conn)


def undo(shadows: Shadows, project: Project, revision: Revision, before: Objects) -> Undone | None:
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
        return Undone(different=tuple(differences(before, objects_at(url))))


def differences(before: Objects, after: Objects) -> Iterator[str]:
    """One phrase for each object that differs; what belongs to a differing table is left out."""
    tables = [name for kind, name in before.keys() ^ after.keys() if kind == "table"]
    constraints = {
        name.rsplit(".", 1)[-1] for kind, name in before.keys() ^ after.keys() if kind == "constraint"
    }
    for kind, name in sorted(before.keys() | after.keys()):
        was, now = before.get((kind, name)), after.get((kind, name))
        if was == now or _is_part(kind, name, was or now or "", tables):
            continue
        if kind == "index" and name.rsplit(".", 1)[-1] in constraints:
            continue
        thing = f"{kind} {name.removeprefix('public.')}"
        if was is None:
            yield f"{thing} is left behind"
        elif now is None:
            yield f"{thing} does not come back"
        else:
            yield f"{thing} is another than before"


def _is_part(kind: str, name: str, definition: str, tables: list[str]) -> bool:
    if kind in _PARTS:
        return any(name.startswith(f"{table}.") for table in tables)
    if kind == "index":
        return any(f" ON {table} " in definition or f" ON ONLY {table} " in definition for table in tables)
    return kind == "sequence" and any(name.startswith(f"{table}_") for table in tables)
