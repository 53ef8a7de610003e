"""Operations on indexes, outside of a transaction and without keeping anybody from writing."""

from __future__ import annotations

import copy
import re
from typing import Final

from alembic.operations import ops
from alembic.operations.ops import MigrateOperation

from notifydb.autogen.change import Autocommit, Sql

# As pg_get_indexdef prints it.
_CREATE_INDEX: Final = re.compile(r'^CREATE (UNIQUE )?INDEX ("(?:[^"]|"")+"|\S+) ON ')
_DROP_INDEX: Final = re.compile("^DROP INDEX ")


def concurrently(*operations: MigrateOperation) -> tuple[MigrateOperation, ...]:
    """Each of them in a block of its own; what is no index is left as it is."""
    return tuple(Autocommit(_concurrent(each)) for each in operations)


def renamed(operation: MigrateOperation, name: str) -> MigrateOperation:
    """The same for an index of another name."""
    if isinstance(operation, Sql):
        return Sql(
            _CREATE_INDEX.sub(lambda found: f"CREATE {found[1] or ''}INDEX {name} ON ", operation.text)
        )
    changed = copy.copy(operation)
    assert isinstance(changed, ops.CreateIndexOp | ops.DropIndexOp)
    changed.index_name = name
    return changed


def _concurrent(operation: MigrateOperation) -> MigrateOperation:
    if isinstance(operation, Sql):
        created = _CREATE_INDEX.sub(r"CREATE \1INDEX CONCURRENTLY \2 ON ", operation.text)
        return Sql(_DROP_INDEX.sub("DROP INDEX CONCURRENTLY ", created))
    if not isinstance(operation, ops.CreateIndexOp | ops.DropIndexOp):
        return operation
    changed = copy.copy(operation)
    changed.kw = {**operation.kw, "postgresql_concurrently": True}
    return changed
