"""How shadow databases are called."""

from __future__ import annotations

from typing import Final

TEMPLATE: Final = "notifydb_template_"
CLONE: Final = "notifydb_clone_"


def is_shadow(database: str) -> bool:
    """Whether it is called like a template or a clone of one."""
    return database.startswith((TEMPLATE, CLONE))
