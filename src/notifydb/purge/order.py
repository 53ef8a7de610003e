"""The order of deletion: a row goes after all rows that a foreign key binds to it."""

from __future__ import annotations

from collections.abc import Collection

from notifydb.postgres.relations import Catalog, TableName
from notifydb.purge.components import components


def deletion_order(catalog: Catalog, going: Collection[TableName]) -> list[tuple[TableName, ...]]:
    """Tables in turn; those of one tuple refer to each other and have to go in one statement."""
    bound = {
        name: {key.child for key in catalog.foreign_keys if key.parent == name and key.child in going}
        for name in sorted(going)
    }
    return components({name: sorted(children) for name, children in bound.items()})
