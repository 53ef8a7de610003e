"""Which of two branches stays where the files alone can tell: by a named head, or by a conflict's first side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from notifydb.errors import HistoryError, UsageError
from notifydb.numbering import folder, line, markers
from notifydb.numbering.folder import Files, Folder
from notifydb.numbering.stays import Meeting, Stays
from notifydb.revisions.graph import Revision, nearest

Sides = tuple[frozenset[str], frozenset[str]]


def head_sides(head_file: Path | None) -> Sides | None:
    """The ids that either side of a conflict in the head file names, None if it is in no whole conflict."""
    if head_file is None or not head_file.is_file():
        return None
    try:
        found = markers.parse(head_file.read_bytes(), head_file)
    except HistoryError:
        # It is written anew in any case, and the revisions know better what the head is.
        return None
    if found is None:
        return None
    first, second = (found.side(second=second).decode(errors="replace").split() for second in (False, True))
    return frozenset(first), frozenset(second)


def all_but(
    names: Sequence[str], files: Files, added: frozenset[str], met: Meeting | None, named: Sides | None
) -> Stays:
    """Everything stays but the chains that only the heads `names` stand on.

    `names` are ids or unambiguous beginnings. UsageError for one that is no head.
    """
    meant = folder.resolve(files, second=False, added=added)
    heads = frozenset(_resolved(name, meant.revisions) for name in names)
    second = _moving_is_first(heads, met, named)
    meant = folder.resolve(files, second=second, added=added)
    others = _heads(meant.revisions) - heads
    if not others:
        raise UsageError("nothing would stay, so there is nothing to move on top of", hint="notifydb heads")
    own = line.with_ancestors(heads, meant.as_moving()) - line.with_ancestors(others, meant.as_staying())
    return _staying(
        f"all but {', '.join(sorted(heads))} stays",
        {each.id for each in meant.revisions} - own,
        meant,
        second,
    )


def first_side(files: Files, added: frozenset[str], named: Sides | None) -> Stays:
    """What the first side of the conflicts has stays, with all that it stands on."""
    meant = folder.resolve(files, second=False, added=added)
    ids = {each.id for each in meant.revisions}
    if named and (unknown := sorted(named[0] - ids)):
        raise HistoryError(
            f"the head file's first side names {unknown[0]}, and no file has that revision id",
            hint="name the head that moves: notifydb migrate rebase ID",
        )
    conflicted = {each.id for each in meant.as_staying() if each.path in files.conflicts}
    first = line.with_ancestors({*conflicted, *(named[0] if named else ())}, meant.as_staying())
    return _staying("what the first side of the conflict has stays", first & ids, meant, second=False)


def all_of_one_line(why: str, files: Files) -> Stays | None:
    """Everything, where there is one head or none; None for several."""
    if len(_heads(files.revisions)) > 1:
        return None
    return Stays(why, frozenset(each.id for each in files.revisions))


def _moving_is_first(heads: frozenset[str], met: Meeting | None, named: Sides | None) -> bool:
    """Whether the heads that move are on the first side of the conflicts, so that the second stays."""
    on_second = met.is_on_second(heads) if met else None
    if on_second is None and named:
        return heads <= named[0]
    return on_second is False


def _resolved(name: str, revisions: Iterable[Revision]) -> str:
    heads = _heads(revisions)
    found = [each for each in heads if each == name] or [each for each in heads if each.startswith(name)]
    if len(found) == 1:
        return found[0]
    near = ", ".join(nearest(name, heads) or sorted(heads))
    raise UsageError(f"{name} is no head of the history; there are: {near}", hint="notifydb heads")


def _heads(revisions: Iterable[Revision]) -> frozenset[str]:
    given = tuple(revisions)
    return frozenset(each.id for each in given) - {down for each in given for down in each.down_revisions}


def _staying(why: str, ids: Iterable[str], meant: Folder, second: bool) -> Stays:
    kept = frozenset(ids)
    apart = {path for path, source in meant.sources.items() if source.apart}
    files = frozenset(
        each.path.name for each in meant.revisions if each.id in kept and each.path not in apart
    )
    return Stays(why, kept, files, second)
