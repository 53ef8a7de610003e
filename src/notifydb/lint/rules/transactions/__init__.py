"""Statements that do not fit into the transaction they run in."""

from __future__ import annotations
