"""What each migration does to the catalog, seen as it is replayed."""

from __future__ import annotations

import dataclasses

from notifydb.migrator import execute
from notifydb.postgres.catalog import Catalog, Drift, catalog_at, compare
from notifydb.postgres.connect import make_engine
from notifydb.shadow.database import Shadows


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """A migration and what it changes: of each change, `expected` was there before it and `actual` is after."""

    revision: str
    changes: tuple[Drift, ...]


def steps_between(shadows: Shadows, below: str | None, target: str) -> tuple[Step, ...]:
    """The steps from `below` (None: the empty database) up to `target`, in order.

    Raises ShadowUnavailable, MigrationFailed when the replay fails.
    """
    walk = _Walk()
    with shadows.at(below) as url:

        def listen(event: execute.Event) -> None:
            # Between two migrations, on a connection of its own: some leave their transaction.
            if isinstance(event, execute.Started):
                walk.arrive(catalog_at(url))
                walk.running = event.revision

        engine = make_engine(url, application_name="notifydb replay")
        execute.upgrade(engine, shadows.project, target, history=shadows.history, listen=listen)
        walk.arrive(catalog_at(url))
    return tuple(walk.steps)


class _Walk:
    """Holds one catalog at a time: a long history has hundreds."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.running: str | None = None
        self._before: Catalog = {}

    def arrive(self, now: Catalog) -> None:
        if self.running is not None:
            self.steps.append(Step(self.running, compare(self._before, now)))
        self._before = now
