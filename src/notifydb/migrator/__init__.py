"""Alembic's mechanism without the project's env.py, and no policy."""

from __future__ import annotations
