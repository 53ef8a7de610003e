"""How long a migration took on another database."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from notifydb.runner.elsewhere import Ran, read


def entry(revision: str | None, finished: str, **changed: object) -> dict[str, object]:
    return {
        "operation": "upgrade", "outcome": "done", "revision": revision, "seconds": 1.5,
        "finished_at": f"{finished}T10:00:00+00:00", **changed,
    }  # fmt: skip


def test_the_last_success_of_an_upgrade_counts() -> None:
    entries = [
        entry("0001_a", "2026-03-01", outcome="failed", seconds=None),
        entry("0001_a", "2026-02-01", seconds=2),
        entry("0001_a", "2026-01-01", seconds=9),
        entry("0001_a", "2026-04-01", operation="downgrade"),
        entry("0002_b", "2026-02-01", seconds=None),
        entry(None, "2026-02-01", operation="purge", outcome="permitted"),
    ]
    ran = read(json.dumps({"version": 1, "entries": entries}), "staging.json")
    assert ran == {"0001_a": Ran(2.0, datetime(2026, 2, 1, 10, tzinfo=UTC))}
