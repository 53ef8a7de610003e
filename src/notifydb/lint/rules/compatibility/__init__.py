"""Statements that break the code which is still running."""

from __future__ import annotations
