"""Proofs: that two databases are alike."""

from __future__ import annotations
