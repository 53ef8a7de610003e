"""Names and types as Postgres writes them."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy.dialects import postgresql

#: PostgreSQL's longest identifier, in bytes.
_LONGEST_NAME: Final = 63
DIALECT: Final[Any] = postgresql.dialect()  # type: ignore[no-untyped-call]


def quote(name: str) -> str:
    """The identifier, in quotes where it needs them."""
    return str(DIALECT.identifier_preparer.quote(name))


def qualified(name: str, schema: str | None) -> str:
    """A name with its schema, unless that is `public`."""
    return name if schema in (None, "public") else f"{schema}.{name}"


def suffixed(name: str, suffix: str) -> str:
    """As Postgres does it: the name gives way, not the suffix."""
    room = _LONGEST_NAME - len(suffix) - 1
    return f"{name.encode()[:room].decode(errors='ignore')}_{suffix}"
