"""The versions folder as text: read, named and rewritten without importing a migration."""

from __future__ import annotations
