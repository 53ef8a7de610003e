"""Migrations that fail, or that cannot be run again after a failure."""

from __future__ import annotations
