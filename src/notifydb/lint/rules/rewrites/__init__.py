"""Statements that write a whole table anew while nobody can use it."""

from __future__ import annotations
