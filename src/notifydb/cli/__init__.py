"""The commands: the only part that prints, prompts and exits."""

from __future__ import annotations
