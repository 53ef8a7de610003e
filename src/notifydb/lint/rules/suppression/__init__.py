"""Comments that silence rules."""

from __future__ import annotations
