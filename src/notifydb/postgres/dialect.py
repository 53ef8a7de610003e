"""Names and types as Postgres writes them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.dialects import postgresql

DIALECT: Final[Any] = postgresql.dialect()  # type: ignore[no-untyped-call]


def quote(name: str) -> str:
    """The identifier, in quotes where it needs them."""
    return str(DIALECT.identifier_preparer.quote(name))


def qualified(name: str, schema: str | None) -> str:
    """A name with its schema, unless that is `public`."""
    return name if schema in (None, "public") else f"{schema}.{name}"
