"""What is to be done about a migration that was left half done, as commands to type."""

from __future__ import annotations

from notifydb.revisions.graph import History, Revision


def goes_on(history: History, operation: str, revision: str) -> str:
    """The command that runs what is left of the migration."""
    if operation != "downgrade":
        return f"notifydb {operation}"
    known = history.revisions.get(revision)
    if known is None:
        return "notifydb downgrade -1"
    # Below a merge, each of its parents stays: any of them will do.
    return f"notifydb downgrade {_below(known)}"


def done_by_hand(history: History, operation: str, revision: str) -> str:
    """The command, or the SQL, that says in the database that somebody has finished the migration."""
    if operation != "downgrade":
        return f"notifydb stamp {revision}"
    known = history.revisions.get(revision)
    if known is None:
        return "notifydb stamp REVISION"
    if known.is_merge:
        # A stamp is one revision, and here there are several again.
        rows = ", ".join(f"('{each}')" for each in known.down_revisions)
        gone = f"DELETE FROM alembic_version WHERE version_num = '{revision}';"  # noqa: S608
        return f"{gone} INSERT INTO alembic_version (version_num) VALUES {rows};"  # noqa: S608
    return f"notifydb stamp {_below(known)}"


def _below(revision: Revision) -> str:
    return next(iter(revision.down_revisions), "base")
