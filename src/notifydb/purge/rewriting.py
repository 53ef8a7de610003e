"""Triggers that may change rows as they come back."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import sqlalchemy as sa

from notifydb.postgres.relations import TableName

#: Row triggers before INSERT (tgtype has 1 for a row, 2 for before, 4 for INSERT) or UPDATE (16) that fire in a
#: session that is no replica's; those of partitions count for the table that they are of.
_TRIGGERS: Final = sa.text(
    """
    SELECT DISTINCT n.nspname, c.relname, t.tgname::text, t.tgtype & 4 <> 0, t.tgtype & 16 <> 0
    FROM pg_trigger t
    JOIN pg_class c ON c.oid = coalesce(pg_partition_root(t.tgrelid)::oid, t.tgrelid)
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND t.tgtype & 3 = 3 AND t.tgtype & 20 <> 0
    ORDER BY 1, 2, 3
    """
)


def rewriting(
    conn: sa.Connection, inserted: Collection[TableName], updated: Collection[TableName]
) -> Iterator[tuple[TableName, str]]:
    """Tables with a trigger before what is done to their rows, each with its name."""
    for schema, name, trigger, on_insert, on_update in conn.execute(_TRIGGERS):
        table = TableName(schema, name)
        if (on_insert and table in inserted) or (on_update and table in updated):
            yield table, trigger
