"""One line of numbered revisions: what has to move, and what git knows about it."""

from __future__ import annotations
