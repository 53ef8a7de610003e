"""The form that each kind of finding asks for."""

from __future__ import annotations

from notifydb.findings import Rewrite
from notifydb.fixes import constraints, indexes
from notifydb.fixes.form import Form, facts_of
from notifydb.fixes.source import NotFixable, Operation, Source
from notifydb.sql.parse import parse


def form_of(rewrite: Rewrite, source: Source, operation: Operation, sql: str, version: int | None) -> Form:
    """The form that a finding about `operation`, which sends `sql`, asks for; NotFixable if there is none.

    `version` is production's major version, None where it is not known.
    """
    found = facts_of(operation) if operation.name == "execute" else parse(sql)[0].facts
    if len(found) != 1:
        raise NotFixable("it does several things at once")
    match rewrite:
        case Rewrite.CONCURRENTLY:
            return indexes.concurrently(source, operation, found[0])
        case Rewrite.VALIDATED_LATER:
            return constraints.validated_later(source, operation, found[0])
        case Rewrite.PROVED_NOT_NULL:
            return constraints.proved_not_null(source, operation, found[0], version)
        case Rewrite.USING_INDEX:
            return constraints.using_index(source, operation, found[0])
