"""Whether a live database is what the history makes: its catalog against a shadow replay's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

from notifydb.postgres.catalog import Catalog, read_catalog
from notifydb.postgres.connect import make_engine
from notifydb.shadow.database import Shadows


@dataclasses.dataclass(frozen=True, slots=True)
class Drift:
    """One object that differs: what the history makes, and what is there; None is absent."""

    kind: str
    name: str
    expected: str | None
    actual: str | None

    @property
    def what(self) -> Literal["missing", "extra", "changed"]:
        if self.actual is None:
            return "missing"
        return "extra" if self.expected is None else "changed"


def compare(expected: Catalog, actual: Catalog) -> tuple[Drift, ...]:
    """The objects that are not the same in both, in the order of kind and name."""
    return tuple(_compare(expected, actual))


def drift(url: str, shadows: Shadows, revision: str | None) -> tuple[Drift, ...]:
    """What the database has that a replay up to `revision` does not make, and the other way round.

    Raises ShadowUnavailable, MigrationFailed when the replay fails.
    """
    with shadows.at(revision) as shadow, make_engine(shadow).connect() as conn:
        expected = read_catalog(conn)
    with make_engine(url).connect() as conn:
        return compare(expected, read_catalog(conn))


def _compare(expected: Catalog, actual: Catalog) -> Iterator[Drift]:
    for kind, name in sorted(expected.keys() | actual.keys()):
        was, now = expected.get((kind, name)), actual.get((kind, name))
        if was != now:
            yield Drift(kind, name, was, now)
