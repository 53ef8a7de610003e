"""What SQL text says: statements, typed facts and documented locks; the only importer of the SQL parser."""

from __future__ import annotations
