"""Judges migrations: by their graph, their source, their SQL, and by what the shadow database saw them do."""

from __future__ import annotations
