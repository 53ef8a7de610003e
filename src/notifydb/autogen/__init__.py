"""New migrations from the difference between models and history."""

from __future__ import annotations
