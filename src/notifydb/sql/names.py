"""Names as statements give them: of relations and of types."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or index by name; without a schema it counts as in `public`."""

    name: str
    schema: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What two mentions of one relation share."""
        return (self.schema or "public", self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema not in (None, "public") else self.name


@dataclasses.dataclass(frozen=True, slots=True)
class TypeName:
    """A type as Postgres calls it (`int4`, `varchar`), its modifiers (`(50,)`) and whether it is an array."""

    name: str
    modifiers: tuple[int, ...] = ()
    array: bool = False

    def __str__(self) -> str:
        arguments = f"({', '.join(map(str, self.modifiers))})" if self.modifiers else ""
        return f"{self.name}{arguments}{'[]' if self.array else ''}"
