"""Putting branches into one line: what stays below, what is new on top, each chain in its own order."""

from __future__ import annotations

import collections
import itertools
from collections.abc import Iterable

from notifydb.errors import HistoryError
from notifydb.revisions.graph import History, Revision


def top_of(history: History, kept: frozenset[str]) -> str | None:
    """The revision on which everything new goes: the head of what is kept, None if nothing is.

    Raises HistoryError if what is kept has several heads, or stands on something that is not kept.
    """
    for each in history.ordered():
        named = {*each.down_revisions, *(name for name in each.depends_on if name in history.revisions)}
        if each.id in kept and (new := named - kept):
            raise HistoryError(
                f"{each.path}: {each.id} has to stay as it is, but stands on {', '.join(sorted(new))}, "
                "which is new",
                hint=f"git log -p {each.path} shows who changed its down_revision",
            )
    tops = [each for each in history.revisions if each in kept and kept.isdisjoint(history.children(each))]
    if len(tops) > 1:
        others = [each for each in history.heads if tops[0] not in {each, *history.ancestors(each)}]
        raise HistoryError(
            f"{' and '.join(tops)} both have to stay as they are, so none can move on top of the other",
            hint=f"say which branch moves: notifydb migrate rebase {' '.join(others)}",
        )
    return tops[0] if tops else None


def with_ancestors(ids: Iterable[str], revisions: Iterable[Revision]) -> frozenset[str]:
    """`ids` and all that they stand on, as far as it is among `revisions`."""
    parents: dict[str, list[str]] = collections.defaultdict(list)
    for revision in revisions:
        parents[revision.id] += revision.down_revisions
    found: set[str] = set()
    todo = list(ids)
    while todo:
        each = todo.pop()
        if each not in found:
            found.add(each)
            todo += parents.get(each, ())
    return frozenset(found)


def refuse_branches(history: History, line: list[str]) -> None:
    """Raise HistoryError if `line`, which stays as it is, is not one already."""
    for below, each in itertools.pairwise(line):
        if history.revisions[each].down_revisions != (below,):
            raise HistoryError(
                f"{each} and {below} are on two branches below the first number, and would stay on them",
                hint="notifydb migrate rebase puts them into one line",
            )


def in_line(history: History, among: frozenset[str], onto: str | None = None) -> list[str]:
    """The ids `among` in one line, chain after chain; those that stand on `onto` already come first.

    Where chains part, the lower number goes first, then the lower id. `among` holds no merges.
    """
    roots = [each for each in history.ordered() if each.id in among and among.isdisjoint(each.down_revisions)]
    roots.sort(key=lambda each: onto not in each.down_revisions)
    todo = [each.id for each in reversed(roots)]
    line: list[str] = []
    while todo:
        line.append(todo.pop())
        todo += [each for each in reversed(history.children(line[-1])) if each in among]
    return line


def refuse_what_cannot_move(history: History, moving: frozenset[str], onto: str | None) -> None:
    """Raise HistoryError for what has no place in a line: merges, named branches, a second beginning."""
    begins = onto is not None
    for each in history.ordered():
        if each.id not in moving:
            continue
        if reason := _reason(history, each, begins=begins):
            raise HistoryError(f"{each.path} cannot be put into one line: {reason[0]}", hint=reason[1])
        begins = begins or not each.down_revisions


def _reason(history: History, revision: Revision, *, begins: bool) -> tuple[str, str] | None:
    """Why, and what to do about it; `begins` tells that the line has its first revision already."""
    if revision.is_merge:
        parents = " and ".join(revision.down_revisions)
        return f"it merges {parents}", "remove it and run this again: one line needs no merge"
    if revision.branch_labels:
        labels = ", ".join(revision.branch_labels)
        return f"it names a branch ({labels})", "remove branch_labels, or keep the branches apart"
    if across := _across(history, revision):
        return f"it depends on {across}, which is not below it", "remove depends_on, or order the two by hand"
    if begins and not revision.down_revisions:
        return "it begins a second history", "name its parent in down_revision"
    return None


def _across(history: History, revision: Revision) -> str | None:
    """The first dependency that is no ancestor by `down_revision` alone."""
    if not revision.depends_on:
        return None
    labels = {label: each.id for each in history.ordered() for label in each.branch_labels}
    below: set[str] = set()
    todo = list(revision.down_revisions)
    while todo:
        if (current := todo.pop()) not in below:
            below.add(current)
            todo += history.revisions[current].down_revisions
    return next((name for name in revision.depends_on if labels.get(name, name) not in below), None)
