"""What is half done in a database or would not work there, and the command or SQL that mends it."""

from __future__ import annotations
