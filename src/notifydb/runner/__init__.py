"""Upgrades as a job: planned, one runner at a time, recorded."""

from __future__ import annotations
