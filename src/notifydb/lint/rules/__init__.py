"""The rules, one to a file; `notifydb.lint.registry` finds them by walking this package."""

from __future__ import annotations
