"""Whether a migration can be taken back."""

from __future__ import annotations

import ast
import dataclasses
from typing import Literal

from notifydb.lint.sight import Seen
from notifydb.lint.source import can_be_undone, function, is_empty


@dataclasses.dataclass(frozen=True, slots=True)
class WayBack:
    """`reversible` was tried on a shadow, `untried` was not; `why` says what does not come back, and why."""

    kind: Literal["reversible", "untried", "none", "broken"]
    why: str | None = None


def way_back(tree: ast.Module, seen: Seen, *, went_through: bool, loses: bool) -> WayBack:
    """What the source says of downgrade(), and what came of it on the shadow after an upgrade that `went_through`.

    Of a migration that `loses` something only the schema comes back.
    """
    downgrade = function(tree, "downgrade")
    if downgrade is None:
        return WayBack("none", "there is no downgrade()")
    if is_empty(downgrade):
        return _empty(tree)
    if not can_be_undone(tree):
        return WayBack("none", "downgrade() refuses")
    lost = "what it destroys does not come back" if loses else None
    return _tried(seen, lost) if "trace" in seen.levels and went_through else WayBack("untried", lost)


def _tried(seen: Seen, lost: str | None) -> WayBack:
    if seen.undone is None:
        return WayBack("none", "downgrade() refuses")
    if seen.undone.error is not None:
        return WayBack("broken", seen.undone.error)
    if seen.undone.different:
        return WayBack("broken", "; ".join(seen.undone.different))
    return WayBack("reversible", lost)


def _empty(tree: ast.Module) -> WayBack:
    upgrade = function(tree, "upgrade")
    if upgrade is not None and is_empty(upgrade):
        return WayBack("reversible")
    return WayBack("broken", "downgrade() is empty: the stamp goes back, and what upgrade() did stays")
