"""What the project's `env.py` calls, so that plain `alembic` does as notifydb does."""

from __future__ import annotations

from pathlib import Path

from alembic import context

from notifydb import errors
from notifydb.migrator.config import Project, entered, load_metadata
from notifydb.postgres.connect import make_engine
from notifydb.settings import load_settings


def run_migrations() -> None:
    """Runs what `alembic` asked for on the database that the settings name.

    Raises ConfigurationError when no database is set.
    """
    loaded = load_settings()
    settings = loaded.settings
    location = Path(context.script.dir)
    project = Project(loaded.root, location, settings.metadata, settings.bootstrap)
    if context.is_offline_mode():
        context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
        with entered(project), context.begin_transaction():
            context.run_migrations()
        return
    if settings.database_url is None:
        if loaded.database_problem is not None:
            raise loaded.database_problem
        raise errors.ConfigurationError("no database is set", hint="set DATABASE_URL")
    with entered(project), make_engine(settings.database_url.get_secret_value()).connect() as conn:
        metadata = load_metadata(project) if settings.metadata else None
        context.configure(connection=conn, target_metadata=metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
