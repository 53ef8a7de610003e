"""Whether a live database is what the history makes: its catalog against a shadow replay's."""

from __future__ import annotations

from notifydb.postgres.catalog import Drift, catalog_at, compare
from notifydb.shadow.database import Shadows


def drift(url: str, shadows: Shadows, revision: str | None) -> tuple[Drift, ...]:
    """What the database has that a replay up to `revision` does not make, and the other way round.

    Raises ShadowUnavailable, MigrationFailed when the replay fails.
    """
    with shadows.at(revision) as shadow:
        expected = catalog_at(shadow)
    return compare(expected, catalog_at(url))
