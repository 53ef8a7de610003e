"""Statements that make production wait while they work."""

from __future__ import annotations
