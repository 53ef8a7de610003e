"""Plain `alembic` runs these migrations too: through notifydb's settings and driver."""

from __future__ import annotations

from notifydb.migrator.env import run_migrations

run_migrations()
