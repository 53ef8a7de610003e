"""Files that do not fit into one numbered history."""

from __future__ import annotations
