"""What is to be done about a migration that was left half done, as commands to type.

`current` is what the database is at.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from notifydb import errors
from notifydb.revisions.graph import History, Revision
from notifydb.runner.journal import Part
from notifydb.runner.plan import ends


def goes_on(history: History, operation: str, revision: str, current: Collection[str]) -> str:
    """The command that runs what is left of the migration."""
    if operation != "downgrade":
        return f"notifydb {operation}"
    known = history.revisions.get(revision)
    return f"notifydb downgrade {_target(history, known, current) if known is not None else '-1'}"


def done_by_hand(history: History, operation: str, revision: str, current: Collection[str]) -> str:
    """The command, or the SQL, that says in the database that somebody has finished the migration."""
    is_known, is_back = revision in history.revisions, operation == "downgrade"
    if not is_known:
        return f"notifydb stamp {'REVISION' if is_back else revision}"
    others = _applied(history, current) - {revision}
    rows = ends(history, others if is_back else {*others, revision})
    if len(rows) > 1:
        gone, new = (
            [each for each in current if each not in rows],
            [each for each in rows if each not in current],
        )
        return f"{_as_sql(gone, new)} {_forgetting(operation, revision)}"
    return f"notifydb stamp {rows[0] if rows else 'base'}"


def half_taken_back(
    history: History, current: Collection[str], parts: Mapping[tuple[str, str], Part]
) -> errors.MigrationFailed | None:
    """Tells of a migration that the database says is applied, and of whose downgrade a part may be committed."""
    downgrades = {revision: part for (operation, revision), part in parts.items() if operation == "downgrade"}
    applied = _applied(history, current) if downgrades else ()
    for revision, part in downgrades.items():
        if revision in applied and part.may_have_left_something:
            again = goes_on(history, "downgrade", revision, current)
            rest = (
                f"{again} --from-start, if it may do it again"
                if part.stuck
                else f"{again} takes back the rest"
            )
            at = f" at {part.since:%Y-%m-%d %H:%M:%S}" if part.since else ""
            did = "has committed a part of it" if part.changes else "may have done a part of it"
            return errors.MigrationFailed(
                f"{revision} is half taken back: a downgrade by {part.runner}{at} {did}",
                revision=revision,
                hint=f"{rest}; or bring back by hand what it took, and: {_brought_back(revision, current)}",
            )
    return None


def _brought_back(revision: str, current: Collection[str]) -> str:
    """What says in the database that the revision is whole again; a stamp would forget any other row of it."""
    if set(current) == {revision}:
        return f"notifydb stamp {revision}"
    return _forgetting("downgrade", revision)


def _forgetting(operation: str, revision: str) -> str:
    """The SQL that says of a part that nothing is left to do of it, as a stamp does."""
    return (
        f"DELETE FROM notifydb.history WHERE outcome = 'partial' AND operation = '{operation}' "  # noqa: S608
        f"AND revision = '{revision}';"
    )


def _target(history: History, revision: Revision, current: Collection[str]) -> str:
    """What takes back the revision and what stands on it, and, where a command can, no branch beside them."""
    known = _applied(history, current)
    applied = [each.id for each in history.ordered() if each.id in known]
    taken = {each for each in applied if each == revision.id or revision.id in history.ancestors(each)}
    others = [each for each in applied if each not in taken]
    for parent in revision.down_revisions:
        if not any(parent in history.ancestors(each) for each in others):
            return parent
    if not others:
        return "base"
    # The newest go first.
    return f"-{len(applied) - applied.index(revision.id)}" if taken else "-1"


def _applied(history: History, current: Collection[str]) -> set[str]:
    known = [each for each in current if each in history.revisions]
    return {each.id for row in known for each in history.chain(row)}


def _as_sql(gone: Collection[str], new: Collection[str]) -> str:
    """A stamp is one revision, and here there are several."""
    statements = [f"DELETE FROM alembic_version WHERE version_num = '{each}';" for each in gone]  # noqa: S608
    if new:
        rows = ", ".join(f"('{each}')" for each in new)
        statements.append(f"INSERT INTO alembic_version (version_num) VALUES {rows};")  # noqa: S608
    return " ".join(statements)
