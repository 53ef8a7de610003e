"""What is to be done about a migration that was left half done, as commands to type."""

from __future__ import annotations

from notifydb.revisions.graph import History


def goes_on(history: History, operation: str, revision: str) -> str:
    """The command that runs what is left of the migration."""
    if operation != "downgrade":
        return f"notifydb {operation}"
    known = history.revisions.get(revision)
    if known is None or known.is_merge:
        # To one parent of a merge, the other one would be taken back as well.
        return "notifydb downgrade -1"
    return f"notifydb downgrade {_below(history, revision)}"


def done_by_hand(history: History, operation: str, revision: str) -> str:
    """The command that says in the database that somebody has finished the migration."""
    return f"notifydb stamp {_below(history, revision) if operation == 'downgrade' else revision}"


def _below(history: History, revision: str) -> str:
    known = history.revisions.get(revision)
    return "REVISION" if known is None else " ".join(known.down_revisions) or "base"
