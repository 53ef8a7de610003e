"""Trimming: differences that are real and yet not what somebody wants to write now, each with its reason."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from notifydb import errors
from notifydb.autogen.change import Change
from notifydb.autogen.compare import Left
from notifydb.autogen.operations import enums_of
from notifydb.autogen.refute import Facts, with_schema

#: What may be named beside tables: what a change is about.
NOUNS: Final = (
    "table", "column", "index", "constraint", "foreign_key", "check", "enum", "type", "nullable", "default",
    "comment", "view", "function", "trigger", "policy", "statistics",
)  # fmt: skip
_OPPOSITE: Final = {"add": "remove", "remove": "add"}
_NAME_OF_INDEX: Final = re.compile(r'INDEX ("(?:[^"]|"")+"|\S+) ON ')


@dataclasses.dataclass(frozen=True, slots=True)
class Trimmed:
    """What is to be written, and what is not."""

    kept: tuple[Change, ...]
    left: tuple[Left, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Filter:
    """A named reason to leave changes out; `why` gives it for one change, in view of all of them."""

    name: str
    why: Callable[[Change, Sequence[Change], Facts], str | None]


def trim(changes: Sequence[Change], facts: Facts, filters: Iterable[Filter]) -> Trimmed:
    """Each change through all filters, in order; the first reason counts."""
    kept: list[Change] = []
    left: list[Left] = []
    chosen = tuple(filters)
    for change in changes:
        reason = next(
            (f"{each.name}: {why}" for each in chosen if (why := each.why(change, changes, facts))), None
        )
        if reason is None:
            kept.append(change)
        else:
            left.append(Left(change, reason))
    return Trimmed(tuple(kept), tuple(left))


def with_its_enums(trimmed: Trimmed) -> Trimmed:
    """A type that a kept change needs is made after all, and one that is still in use is not dropped."""
    needed = frozenset(name for change in trimmed.kept for name in enums_of(change))
    used = frozenset(name for left in trimmed.left for name in enums_of(left.change))
    made = tuple(
        left.change for left in trimmed.left if left.change.kind == "add_enum" and left.change.table in needed
    )
    spared = {each for each in trimmed.kept if each.kind == "remove_enum" and each.table in used}
    return Trimmed(
        (*made, *(each for each in trimmed.kept if each not in spared)),
        (
            *(left for left in trimmed.left if left.change not in made),
            *(Left(each, "in-use: a column that is left as it is has this type") for each in spared),
        ),
    )


def on_main(descriptions: Collection[str], ref: str) -> Filter:
    """What the main branch's models and history differ in, too, is not this branch's doing."""

    def why(change: Change, _all: Sequence[Change], _facts: Facts) -> str | None:
        return f"{ref} has this difference already" if change.description in descriptions else None

    return Filter("on-main", why)


def only_name(change: Change, all_: Sequence[Change], facts: Facts) -> str | None:
    """An index or constraint that is dropped here and made there, and is the same but for its name."""
    verb, _, noun = change.kind.partition("_")
    counterpart = f"{_OPPOSITE.get(verb)}_{noun}"
    mine = _nameless(change, facts)
    same = (
        each.name
        for each in all_
        if (each.kind, each.table) == (counterpart, change.table) and _nameless(each, facts) == mine
    )
    name = next(same, None) if mine is not None else None
    return None if name is None else f"{name} is the same under another name"


def server_default(change: Change, _all: Sequence[Change], _facts: Facts) -> str | None:
    """A default that a migration gave to a column is needed while old code runs; models rarely tell it."""
    operation = change.up[0]
    if change.kind == "modify_default" and getattr(operation, "modify_server_default", False) is None:
        return "the models do not tell this default, and it hurts nobody"
    return None


#: The filters that every `migrate new` uses, unless it is told not to.
NOISE: Final = (Filter("only-name", only_name), Filter("server-default", server_default))


def chosen(only: Sequence[str], skip: Sequence[str], changes: Sequence[Change]) -> Iterator[Filter]:
    """Filters for what was asked for by table, kind, or table.name.

    Raises UsageError for an `only` that names nothing at all: a typo must not write an empty migration.
    """
    if unknown := [
        each for each in only if each not in NOUNS and not any(_is_named(c, each) for c in changes)
    ]:
        names = ", ".join(sorted({str(c.table) for c in changes if c.table})) or "none"
        raise errors.UsageError(
            f"--only {', '.join(unknown)} names no kind and no table that differs",
            hint=f"kinds: {', '.join(NOUNS)}; tables that differ: {names}",
        )
    if skip:
        yield Filter("skipped", lambda change, *_: _first(change, skip))
    if only:
        yield Filter("not-chosen", lambda change, *_: None if _first(change, only) else "--only names others")


def _first(change: Change, names: Sequence[str]) -> str | None:
    return next((each for each in names if _is_named(change, each)), None)


def _is_named(change: Change, name: str) -> bool:
    whole = f"{change.table}.{change.name}" if change.name else None
    return name in (change.noun, change.table, whole)


def _nameless(change: Change, facts: Facts) -> str | None:
    """The definition as Postgres prints it, without the name; the models' for what is added."""
    table = with_schema(change.table or "")
    if change.noun == "index":
        actual, declared = facts.both("index", f"{table.rpartition('.')[0]}.{change.name}")
    else:
        actual, declared = facts.both("constraint", f"{table}.{change.name}")
    definition = declared if change.kind.startswith("add_") else actual
    return definition and _NAME_OF_INDEX.sub("INDEX ON ", definition)
