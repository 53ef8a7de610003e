"""What `migrate new` is going to write: compared, trimmed, chosen, in safe forms, formatted, judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from notifydb.cli.deps import Deps

if TYPE_CHECKING:
    from notifydb.autogen.change import Change
    from notifydb.autogen.compare import Comparison, Left
    from notifydb.autogen.trim import Filter
    from notifydb.autogen.write import NewMigrations, Wanted
    from notifydb.cli.on_main import OnMain
    from notifydb.migrator.template import Body
    from notifydb.shadow.database import Shadows

#: Forms that every supported server knows.
_OLDEST_VERSION = 13


@dataclasses.dataclass(frozen=True, slots=True)
class Choice:
    """What of the differences is wanted, and in which form."""

    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    pick: bool = False
    everything: bool = False
    plain: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """The bodies, what they do, what is left out and why, and what else there is to say."""

    bodies: tuple[Body, ...]
    changes: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()
    notes: tuple[str, ...] = ()

    def left_by_reason(self) -> dict[str, list[str]]:
        """What is left out, in words, under each reason."""
        found: dict[str, list[str]] = {}
        for each in self.left:
            found.setdefault(each.reason, []).append(each.change.description)
        return found


def compared(deps: Deps, shadows: Shadows) -> Comparison:
    """The models against a shadow replay of the whole history."""
    from notifydb.autogen.compare import compare

    with deps.console.working("replaying the history on a shadow database"):
        return compare(deps.project, shadows, deps.history.head)


def from_template(sql: Path | None, *, data: bool) -> Draft:
    """A body that does not come from the models: of a file, for a backfill, or to fill in by hand."""
    from notifydb.autogen import templates
    from notifydb.migrator.template import Body

    if sql is not None:
        return Draft((templates.sql_body(sql),))
    return Draft((templates.data_body() if data else Body(),))


def from_models(deps: Deps, choice: Choice) -> Draft:
    """What the models have and the history does not make, as far as it is wanted."""
    from notifydb.autogen import parts, trim
    from notifydb.autogen.enums import true_downs
    from notifydb.autogen.render import body_of
    from notifydb.cli import on_main, pick

    shadows = deps.shadows()
    with on_main.asked(deps, shadows) as question:
        comparison = compared(deps, shadows)
        main = question if isinstance(question, on_main.OnMain) else question.answer()
    trimmed = trim.trim(comparison.changes, comparison.facts, _filters(deps, comparison, choice, main))
    if choice.pick and trimmed.kept:
        trimmed = pick.picked(deps.console, trimmed)
    trimmed = trim.with_its_enums(trimmed)
    kept = trimmed.kept if comparison.history is None else true_downs(trimmed.kept, comparison.history)
    settings = deps.settings
    version = settings.autogen.target_version or settings.lint.target_version or _OLDEST_VERSION
    around = parts.surroundings(kept, comparison.facts.partitioned, version)
    forms = parts.plain(kept) if choice.plain else parts.in_safe_forms(kept, around)
    own_enums = comparison.history is not None
    return Draft(
        bodies=tuple(body_of(each, own_enums=own_enums) for each in forms.parts),
        changes=forms.changes,
        left=(*comparison.refuted, *trimmed.left),
        notes=(*_notes(comparison, main), *forms.notes),
    )


def told(comparison: Comparison) -> Iterator[str]:
    """What else there is to say of a comparison."""
    if comparison.problem:
        yield f"enums, checks, the details of indexes, views and functions were not compared: {comparison.problem}"
    yield from (f"to be written by hand: {each}" for each in comparison.unwritten)


def _notes(comparison: Comparison, main: OnMain) -> Iterator[str]:
    unwritten = tuple(each for each in comparison.unwritten if each not in main.descriptions)
    yield from told(dataclasses.replace(comparison, unwritten=unwritten))
    if main.unknown:
        yield f"what main differs in is not known, so it is listed too: {main.unknown}"


def _filters(deps: Deps, comparison: Comparison, choice: Choice, main: OnMain) -> tuple[Filter, ...]:
    from notifydb.autogen import trim

    noise = () if choice.everything else (trim.on_main(main.descriptions, main.ref), *trim.NOISE)
    skip = (*deps.settings.autogen.skip, *choice.skip)
    return (*trim.chosen(choice.only, skip, comparison.changes), *noise)


def planned(deps: Deps, draft: Draft, wanted: Wanted) -> NewMigrations:
    """The files, formatted as the project formats its own."""
    from notifydb.autogen.formatter import format_source
    from notifydb.autogen.write import plan_new

    def formatted(source: str, path: Path) -> str:
        done = format_source(source, path, deps.loaded.root, deps.settings.autogen.formatter)
        if done.problem:
            deps.console.say(f"not formatted: {done.problem}", style="yellow")
        return done.source

    return plan_new(
        deps.project, deps.history, wanted, draft.bodies, head_file=deps.head_file, formatter=formatted
    )
