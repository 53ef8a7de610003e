"""Migrations for teams that keep one numbered Alembic history on Postgres."""

from __future__ import annotations

__version__ = "0.1.0"
