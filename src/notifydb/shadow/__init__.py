"""Servers and databases to try things on: the embedded Postgres, and shadows cloned from templates."""

from __future__ import annotations
