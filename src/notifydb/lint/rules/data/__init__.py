"""Statements that change, or fail on, the rows that are there."""

from __future__ import annotations
