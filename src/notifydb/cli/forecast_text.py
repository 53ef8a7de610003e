"""A forecast for somebody who has a deploy in ten minutes: a block a migration, then what it comes to."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from notifydb.postgres.sizes import TableSize
from notifydb.reporters.words import bytes_of, count, duration, printable, roughly_many, shortened
from notifydb.runner.forecast import Forecast
from notifydb.runner.touched import Touched

#: Text, and how it looks on a terminal.
Line = tuple[str, str | None]
_MOST: Final = 300
#: Milliseconds; what is over sooner, nobody who waits for it notices.
_MOMENT: Final = 100
#: So many statements are not written one by one.
_MANY: Final = 50
_WAY_BACK: Final = {
    "reversible": ("yes, tried on the shadow", None),
    "untried": ("downgrade(), not tried", "dim"),
    "none": ("none", "yellow"),
    "broken": ("broken", "bold yellow"),
}


def page(found: Sequence[Forecast], target: str, database: str, few: int) -> Iterator[Line]:
    """All lines, in order; a lock on a table of at most `few` rows is not worth many words."""
    if not found:
        yield f"nothing to do: the database is at {target}", "green"
        return
    # What is so for all of them is said once, in the summary.
    shared = (
        frozenset.intersection(*(frozenset(each.unchecked) for each in found)) if len(found) > 1 else set()
    )
    for each in found:
        yield from _block(each, few)
        yield from _unchecked(what for what in each.unchecked if what not in shared)
        yield "", None
    yield from _summary(found, target, database, few)
    yield from _unchecked(sorted(shared))


def _block(each: Forecast, few: int) -> Iterator[Line]:
    yield f"{each.revision.id}: {', '.join(_facts(each))}", "bold"
    if each.failure:
        yield f"  fails on the shadow: {shortened(each.failure, _MOST)}", "bold red"
    for table in (table for table in each.tables if _rows(table) > few):
        words = "; ".join(_told(table))
        yield f"  {table.lock} on {table.table}: {words}", "yellow" if table.blocks else None
    if small := "; ".join(_modes([table for table in each.tables if 0 <= _rows(table) <= few])):
        yield f"  small tables: {small}", None
    if each.losses:
        yield f"  destroys: {', '.join(each.losses)}", "red"
        yield f"    {_verdict(each)}", "bold red" if each.refusals else None
    yield _way_back(each)


def _unchecked(reasons: Iterable[str]) -> Iterator[Line]:
    for each in reasons:
        yield f"  not checked: {shortened(each, _MOST)}", "dim"


def _facts(each: Forecast) -> Iterator[str]:
    if each.level == "source":
        yield "what it sends is not known"
    else:
        lines = sorted({statement.location.line for statement in each.outside})
        places = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
        yield f"leaves its transaction at {places}" if lines else "one transaction"
        yield count(len(each.statements), "statement") + _repeated(each)
    if each.ran:
        yield f"took {each.ran.seconds:.2f} s elsewhere on {each.ran.finished_at:%Y-%m-%d}"


def _repeated(each: Forecast) -> str:
    """A loop over rows sends as many as there are on the shadow."""
    lines = len({statement.location.line for statement in each.statements})
    return f" of {count(lines, 'line')}" if len(each.statements) > _MANY else ""


def _rows(table: Touched) -> int:
    """-1 for a table that is not in the target yet: nobody waits for it."""
    return table.size.rows if table.size else -1


def _told(table: Touched) -> Iterator[str]:
    assert table.size is not None
    yield _size(table.size)
    work = {"rewritten": table.rewritten, "scanned": table.scanned, "rows changed": table.changed}
    if words := [word for word, does in work.items() if does]:
        yield ", ".join(words)
    if table.blocks:
        yield f"{table.lock.waits} {_time(table)}"


def _size(size: TableSize) -> str:
    known = size.total_bytes
    return roughly_many(size.rows) + ("" if known is None else f", {bytes_of(known)}")


def _time(table: Touched) -> str:
    if table.held_ms is None:
        return "for a time that is not known"
    return "for a moment" if table.held_ms < _MOMENT else f"for about {duration(table.held_ms, roughly=True)}"


def _modes(tables: Sequence[Touched]) -> Iterator[str]:
    """The tables of each lock; how long only where it is more than a moment."""
    for lock, those in itertools.groupby(tables, key=lambda each: each.lock):
        yield f"{lock} on {', '.join(f'{each.table}{_longer(each)}' for each in those)}"


def _longer(table: Touched) -> str:
    return f" {_time(table)}" if table.blocks and (table.held_ms or 0) >= _MOMENT else ""


def _verdict(each: Forecast) -> str:
    if each.refusals:
        return f"refused here: {'; '.join(each.refusals)}"
    said = f"it says why: {printable(each.reason)}" if each.reason else "the migration does not say why"
    return said if each.reason else f"allowed here; {said}"


def _way_back(each: Forecast) -> Line:
    words, style = _WAY_BACK[each.back.kind]
    joint = ", but " if each.back.kind in ("reversible", "untried") else ": "
    why = f"{joint}{shortened(each.back.why, _MOST)}" if each.back.why else ""
    return f"  way back: {words}{why}", style


def _summary(found: Sequence[Forecast], target: str, database: str, few: int) -> Iterator[Line]:
    yield f"{count(len(found), 'migration')} pending on {database}, up to {target}", "bold"
    if unmeasured := [each for each in found if not each.measured]:
        names = _names(unmeasured, found)
        yield f"  not run on a shadow: {names}; locks are the documented ones, not measured", "yellow"
    waiting = [
        (each, table) for each in found for table in each.tables if table.blocks and _rows(table) > few
    ]
    for each, table in waiting:
        name = f"{table.table} ({roughly_many(_rows(table))})"
        waits = table.lock.waits.replace("the table", name)
        yield f"  {each.revision.id}: {waits} {_time(table)}", "bold yellow"
    if not waiting:
        yield f"  nobody waits for a table of more than {few:,} rows", "green"
    yield from _groups(found)


def _groups(found: Sequence[Forecast]) -> Iterator[Line]:
    destroying = [each for each in found if each.losses]
    for words, style, those in (
        ("fails on the shadow", "bold red", [each for each in found if each.failure]),
        ("destroys, and is refused here", "bold red", [each for each in destroying if each.refusals]),
        ("destroys", "red", [each for each in destroying if not each.refusals]),
        ("no way back", "yellow", [each for each in found if each.back.kind in ("none", "broken")]),
    ):
        if those:
            yield f"  {words}: {_names(those, found)}", style


def _names(those: Sequence[Forecast], found: Sequence[Forecast]) -> str:
    return "all" if len(those) == len(found) > 1 else ", ".join(each.revision.id for each in those)
