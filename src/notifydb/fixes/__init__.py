"""Mends migrations as lint's findings want it, and proves on the shadow that nothing else changes."""

from __future__ import annotations
