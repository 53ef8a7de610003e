"""Changes as the bodies of migrations: all in one, or in the forms that are safe on a table in use."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Final

from alembic.operations.ops import MigrateOperation

from notifydb.autogen import safe
from notifydb.autogen.change import Change
from notifydb.autogen.safe import Stage, Step, Surroundings

#: The migrations, by the stages that are in each, and the last word of their names.
_MIGRATIONS: Final = (
    ((Stage.VALUE,), "value"),
    ((Stage.MAIN,), ""),
    ((Stage.INDEX,), "index"),
    ((Stage.ATTACH,), "constraint"),
    ((Stage.VALIDATE, Stage.SETTLE), "validate"),
    ((Stage.DROP,), "drop"),
)
#: What runs outside of a transaction gets a migration of its own: after a failure there is nothing to sort out.
_ALONE: Final = frozenset({Stage.VALUE, Stage.INDEX, Stage.DROP})


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """The body of one migration; `suffix` tells it from the others that are written with it."""

    suffix: str
    up: tuple[MigrateOperation, ...]
    down: tuple[MigrateOperation, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Forms:
    """The migrations for `changes`, in order; `notes` tell what of them waits for a later one."""

    parts: tuple[Part, ...]
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


def plain(changes: Sequence[Change]) -> Forms:
    """All in one migration, as Alembic would write it."""
    steps = [Step(Stage.MAIN, each.up, each.down) for each in changes]
    return Forms((_part("", steps),) if steps else (), tuple(changes))


def in_safe_forms(changes: Sequence[Change], around: Surroundings) -> Forms:
    """A migration for each transaction, and one for each operation that cannot be in any."""
    waiting = [each for each in changes if safe.needs_values(each, around)]
    now = tuple(safe.nullable_first(each) if each in waiting else each for each in changes)
    steps = [step for each in now for step in safe.steps_of(each, around)]
    parts: list[Part] = []
    for stages, suffix in _MIGRATIONS:
        mine = sorted((step for step in steps if step.stage in stages), key=lambda step: step.stage)
        groups = [[step] for step in mine] if _ALONE.issuperset(stages) else [mine] if mine else []
        parts += [_part(suffix, group) for group in groups]
    if parts and not any(step.stage is Stage.MAIN for step in steps):
        parts[0] = dataclasses.replace(parts[0], suffix="")
    return Forms(tuple(parts), now, tuple(map(_waits, waiting)))


def _waits(change: Change) -> str:
    return (
        f"{change.table}.{change.name} is nullable for now, since the rows that are there have no value for it: "
        "fill them (notifydb migrate new --data), then notifydb migrate new writes the NOT NULL"
    )


def surroundings(changes: Iterable[Change], partitioned: frozenset[str], version: int) -> Surroundings:
    """What the safe forms have to know: a table that is made or dropped here is in nobody's use."""
    known = list(changes)
    unused = {each.table for each in known if each.kind in ("add_table", "remove_table") and each.table}
    going = {
        (each.table, each.name) for each in known if each.kind == "remove_column" and each.table and each.name
    }
    return Surroundings(frozenset(unused), frozenset(going), partitioned, version)


def _part(suffix: str, steps: Sequence[Step]) -> Part:
    up = tuple(operation for step in steps for operation in step.up)
    down = tuple(operation for step in reversed(steps) for operation in step.down)
    return Part(suffix, up, down)
