"""What `migrate renumber` and `migrate rebase` share: carrying out a plan of moves, and telling it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from notifydb import errors

if TYPE_CHECKING:
    from pathlib import Path

    from notifydb.cli.deps import Deps
    from notifydb.numbering.git import Unknown
    from notifydb.numbering.plan import Move, RenumberPlan


def carry_out(deps: Deps, plan: RenumberPlan, *, edited: bool) -> tuple[Path, ...] | Unknown:
    """Make the changes and stage them in git as far as it tracks the files; the staged paths.

    Raises UsageError, with nothing changed, for files with uncommitted edits unless `edited`.
    """
    from notifydb.numbering import index
    from notifydb.revisions import changes

    if not edited:
        refuse_edits(deps, plan)
    changes.apply(plan.changes)
    return index.follow(plan.changes)


def refuse_edits(deps: Deps, plan: RenumberPlan) -> None:
    """Raises UsageError for files that would move with edits that nobody has committed."""
    from notifydb.numbering import conflict

    found = conflict.edited_files(deps.project.versions)
    if isinstance(found, conflict.Unknown):
        return
    names = [each.old_path.name for each in plan.moves if each.old_path.name in found]
    if names:
        raise errors.UsageError(
            f"edits that are not committed would move along: {', '.join(names)}",
            hint="commit or stash them, or move them as they are: --edited",
        )


def rows(deps: Deps, moves: tuple[Move, ...]) -> list[dict[str, object]]:
    """The moves for `--format json`."""
    return [
        {
            "old_id": each.old_id, "new_id": each.new_id,
            "old_path": deps.relative(each.old_path), "new_path": deps.relative(each.new_path),
            "old_down": each.old_down, "new_down": each.new_down, "reason": each.reason,
        }
        for each in moves
    ]  # fmt: skip


def tell_moves(deps: Deps, moves: tuple[Move, ...]) -> None:
    """A line for each move, as data."""
    for each in moves:
        arrow = each.new_id if each.old_id == each.new_id else f"{each.old_id} -> {each.new_id}"
        deps.console.data(f"{arrow} (on {each.new_down or 'base'}): {each.reason}")


def tell_done(deps: Deps, plan: RenumberPlan, staged: tuple[Path, ...] | Unknown) -> None:
    """What there is now, and whether git's index has followed."""
    from notifydb.numbering.git import Unknown

    deps.console.say(f"one line up to {plan.head}", style="green")
    if isinstance(staged, Unknown):
        deps.console.say(f"git's index is as it was: {staged.reason}", style="dim")
    elif staged:
        deps.console.say("git's index has followed: git status", style="dim")
    else:
        deps.console.say("git's index is as it was: it has none of these files", style="dim")
