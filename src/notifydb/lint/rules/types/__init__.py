"""Types and names that later migrations would have to change."""

from __future__ import annotations
