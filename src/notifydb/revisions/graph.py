"""The revisions of one folder and how they stand on each other."""

from __future__ import annotations

import dataclasses
import difflib
import heapq
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from notifydb.errors import HistoryError
from notifydb.revisions import naming


@dataclasses.dataclass(frozen=True, slots=True)
class Revision:
    """One migration file, as its text declares it.

    `message` is the first line of the docstring (empty if it has none), `created` the text after
    `Create Date:`, `replaces` the ids that a squashed baseline stands for.
    """

    id: str
    down_revisions: tuple[str, ...]
    depends_on: tuple[str, ...]
    branch_labels: tuple[str, ...]
    path: Path
    message: str = ""
    created: str | None = None
    replaces: tuple[str, ...] = ()

    @property
    def is_merge(self) -> bool:
        return len(self.down_revisions) > 1


class History:
    """A checked graph: ids are unique, every parent is there, nothing stands on itself.

    `revisions` maps id to Revision, base first. `heads` are the ids that no revision stands on, `bases`
    those that stand on none; both are ordered as `revisions`. A dependency (`depends_on`, an id or a
    branch label) counts as an ancestor, since it has to run first, but does not end a head.
    """

    __slots__ = ("_children", "_parents", "bases", "heads", "revisions")

    revisions: Mapping[str, Revision]
    heads: tuple[str, ...]
    bases: tuple[str, ...]

    def __init__(self, revisions: Iterable[Revision]) -> None:
        """Raise HistoryError, naming the files, for duplicate ids, missing parents and cycles."""
        found = _by_id(revisions)
        self._parents = _parents(found)
        self._children = _children(found)
        self.revisions = MappingProxyType({each: found[each] for each in _sorted(found, self._parents)})
        self.heads = tuple(each for each in self.revisions if not self._children[each])
        self.bases = tuple(each for each, it in self.revisions.items() if not it.down_revisions)

    @property
    def head(self) -> str | None:
        """The only head, None in an empty folder; HistoryError if there are several."""
        if len(self.heads) > 1:
            raise HistoryError(
                f"the history has {len(self.heads)} heads: {', '.join(self.heads)}",
                hint="notifydb migrate rebase",
            )
        return self.heads[0] if self.heads else None

    def ordered(self) -> tuple[Revision, ...]:
        """All revisions, each after what it stands on; side by side, the lower number, then id, is first."""
        return tuple(self.revisions.values())

    def children(self, revision: str) -> tuple[str, ...]:
        """The ids that stand directly on the full id `revision`."""
        return self._children[self._known(revision)]

    def ancestors(self, revision: str) -> frozenset[str]:
        """The ids that have to run before the full id `revision`."""
        todo = list(self._parents[self._known(revision)])
        seen: set[str] = set()
        while todo:
            if (current := todo.pop()) not in seen:
                seen.add(current)
                todo += self._parents[current]
        return frozenset(seen)

    def chain(self, revision: str) -> tuple[Revision, ...]:
        """What `upgrade revision` runs on an empty database, in order, `revision` last."""
        wanted = self.ancestors(revision) | {revision}
        return tuple(each for each in self.revisions.values() if each.id in wanted)

    def between(self, lower: str | None, upper: str) -> tuple[Revision, ...]:
        """What leads from `lower` (not included; None is the empty database) to `upper` (included).

        Raises HistoryError if `upper` does not stand on `lower`.
        """
        if lower is None or lower == upper:
            return self.chain(upper) if lower is None else ()
        done = self.ancestors(self._known(lower)) | {lower}
        if lower not in self.ancestors(upper):
            raise HistoryError(f"{upper} does not stand on {lower}", hint="notifydb history")
        return tuple(each for each in self.chain(upper) if each.id not in done)

    def get(self, name: str) -> Revision | None:
        """What somebody typed: a full id, the unambiguous beginning of one, `head`, `heads` or `base`.

        None stands for `base`, the state before the first revision, and for the head of an empty folder.
        Raises HistoryError with the nearest candidates.
        """
        if name == "base":
            return None
        if name in ("head", "heads"):
            return self.revisions[self.head] if self.head else None
        return self.revisions[self._known(name, partial=True)]

    def _known(self, name: str, *, partial: bool = False) -> str:
        if name in self.revisions:
            return name
        matches = [each for each in self.revisions if each.startswith(name)] if partial and name else []
        if len(matches) == 1:
            return matches[0]
        raise _unknown(name, matches, self.revisions)


def _unknown(name: str, matches: list[str], ids: Iterable[str]) -> HistoryError:
    if matches:
        shown = ", ".join(matches[:5]) + (", ..." if len(matches) > 5 else "")
        return HistoryError(f"{name!r} could be any of {shown}", hint="type more of the revision id")
    near = ", ".join(nearest(name, ids))
    return HistoryError(
        f"no revision {name!r}" + (f"; nearest: {near}" if near else ""), hint="notifydb history"
    )


def nearest(name: str, ids: Iterable[str]) -> list[str]:
    """Up to three ids that `name` may have meant: those of its number, then those spelt alike."""
    known = list(ids)
    number = naming.number_of(name)
    same = [each for each in known if number is not None and naming.number_of(each) == number]
    alike = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return list(dict.fromkeys([*same, *alike]))[:3]


def _by_id(revisions: Iterable[Revision]) -> dict[str, Revision]:
    found: dict[str, Revision] = {}
    for each in revisions:
        if (other := found.setdefault(each.id, each)) is not each:
            raise HistoryError(
                f"{other.path} and {each.path} have the same revision id {each.id!r}; "
                "Alembic would lose one of them",
                hint="notifydb migrate rebase",
            )
    return found


def _parents(found: Mapping[str, Revision]) -> dict[str, tuple[str, ...]]:
    labels = {label: each.id for each in found.values() for label in each.branch_labels}
    parents: dict[str, tuple[str, ...]] = {}
    for each in found.values():
        depends_on = [labels.get(name, name) for name in each.depends_on]
        for parent in (*each.down_revisions, *depends_on):
            if parent not in found:
                raise _missing(each, parent, found)
        parents[each.id] = tuple(dict.fromkeys((*each.down_revisions, *depends_on)))
    return parents


def _missing(child: Revision, parent: str, found: Iterable[str]) -> HistoryError:
    near = ", ".join(nearest(parent, found))
    return HistoryError(
        f"{child.path} stands on {parent!r}, and no file has that revision id"
        + (f"; nearest: {near}" if near else ""),
        hint=f"git log --all --oneline -- '*{parent}*' finds where the file went; bring it back, "
        f"or correct {child.path.name}",
    )


def _children(found: Mapping[str, Revision]) -> dict[str, tuple[str, ...]]:
    lists: dict[str, list[str]] = {each: [] for each in found}
    for each in sorted(found, key=_rank):
        for parent in dict.fromkeys(found[each].down_revisions):
            lists[parent].append(each)
    return {each: tuple(children) for each, children in lists.items()}


def _rank(revision: str) -> tuple[bool, int, str]:
    number = naming.number_of(revision)
    return (number is None, number or 0, revision)


def _sorted(found: Mapping[str, Revision], parents: Mapping[str, tuple[str, ...]]) -> list[str]:
    waiting = {each: len(above) for each, above in parents.items()}
    followers: dict[str, list[str]] = {each: [] for each in found}
    for each, above in parents.items():
        for parent in above:
            followers[parent].append(each)
    ready = [_rank(each) for each, count in waiting.items() if not count]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        order.append(heapq.heappop(ready)[-1])
        for each in followers[order[-1]]:
            waiting[each] -= 1
            if not waiting[each]:
                heapq.heappush(ready, _rank(each))
    if len(order) < len(found):
        raise _cycle(found, parents, left=set(found).difference(order))
    return order


def _cycle(
    found: Mapping[str, Revision], parents: Mapping[str, tuple[str, ...]], left: set[str]
) -> HistoryError:
    # Whatever is left has a parent that is left too, so going down must come back to a known place.
    path: dict[str, None] = {}
    current = min(left)
    while current not in path:
        path[current] = None
        current = next(parent for parent in parents[current] if parent in left)
    circle = list(path)[list(path).index(current) :]
    files = ", ".join(str(found[each].path) for each in circle)
    return HistoryError(
        f"the history goes in a circle: {' -> '.join([*circle, current])} ({files})",
        hint="correct down_revision in one of these files",
    )
