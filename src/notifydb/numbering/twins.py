"""Two branches that made the same revision id: telling the new file from the one that stays."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path

from notifydb.errors import HistoryError
from notifydb.revisions.graph import Revision


@dataclasses.dataclass(frozen=True, slots=True)
class Apart:
    """Revisions with unique ids: a new twin goes by a key that no id can be.

    `written` maps such a key to the id as the file has it, `taken_by` to the file that keeps that id.
    """

    revisions: tuple[Revision, ...]
    written: Mapping[str, str] = dataclasses.field(default_factory=dict)
    taken_by: Mapping[str, Path] = dataclasses.field(default_factory=dict)

    def as_written(self, revision: str) -> str:
        return self.written.get(revision, revision)


def tell_apart(revisions: Iterable[Revision], old: frozenset[Revision]) -> Apart:
    """Give each new twin a key of its own; what is new and names the shared id means the new twin.

    A file is new if its revision is not in `old`. HistoryError if that leaves it open which twin stays, or
    which of several new ones is meant.
    """
    given = tuple(revisions)
    twins = {name: files for name, files in _by_id(given).items() if len(files) > 1}
    if not twins:
        return Apart(given)
    new: dict[str, list[Revision]] = {}
    stays: dict[str, Path] = {}
    for name, files in twins.items():
        one = _the_one_that_stays(name, files, old)
        stays[name] = one.path
        new[name] = [each for each in files if each != one]
    told = tuple(each if each in old else _told(each, new) for each in given)
    keys = {_key(each): name for name, files in new.items() for each in files}
    return Apart(told, keys, {key: stays[name] for key, name in keys.items()})


def _by_id(revisions: Iterable[Revision]) -> dict[str, list[Revision]]:
    found: dict[str, list[Revision]] = collections.defaultdict(list)
    for each in revisions:
        found[each.id].append(each)
    return found


def _the_one_that_stays(name: str, files: list[Revision], old: frozenset[Revision]) -> Revision:
    stay = [each for each in files if each in old]
    if len(stay) == 1:
        return stay[0]
    why = "both are on the main branch" if stay else "git does not tell which of them is new"
    raise HistoryError(
        f"{' and '.join(str(each.path) for each in files)} have the same revision id {name!r}, and {why}",
        hint=f"give one of them another id: revision and file name of {files[-1].path.name}",
    )


def _told(revision: Revision, new: Mapping[str, list[Revision]]) -> Revision:
    def meant(name: str) -> str:
        twins = new.get(name, [])
        if len(twins) > 1:
            raise HistoryError(
                f"{revision.path} stands on {name!r}, which is "
                f"{' or '.join(each.path.name for each in twins)}",
                hint="give the new ones ids of their own, in revision and file name",
            )
        return _key(twins[0]) if twins else name

    return dataclasses.replace(
        revision,
        id=_key(revision) if revision in new.get(revision.id, ()) else revision.id,
        down_revisions=tuple(map(meant, revision.down_revisions)),
        depends_on=tuple(map(meant, revision.depends_on)),
    )


def _key(revision: Revision) -> str:
    # The file name keeps keys apart; after the id, so that they sort as ids do.
    return f"{revision.id}\n{revision.path.name}"
