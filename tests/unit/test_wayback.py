"""Whether a migration can be taken back, as its source and a try on the shadow tell."""

from __future__ import annotations

import ast

import pytest

from notifydb.lint.sight import Seen
from notifydb.lint.undo import Undone
from notifydb.runner.wayback import WayBack, way_back

TRACED = frozenset({"trace", "statement", "source"})
UPGRADE = "def upgrade():\n    op.drop_table('a')\n"
UNDOES = f"{UPGRADE}def downgrade():\n    op.create_table('a')\n"
EMPTY = "downgrade() is empty: the stamp goes back, and what upgrade() did stays"


@pytest.mark.parametrize(
    ("source", "undone", "expected"),
    [
        (UPGRADE, None, WayBack("none", "there is no downgrade()")),
        (f"{UPGRADE}def downgrade():\n    pass\n", None, WayBack("broken", EMPTY)),
        ("def upgrade():\n    pass\ndef downgrade():\n    pass\n", None, WayBack("reversible")),
        (f"{UPGRADE}def downgrade():\n    raise ValueError\n", None, WayBack("none", "downgrade() refuses")),
        (UNDOES, None, WayBack("none", "downgrade() refuses")),
        (UNDOES, Undone("it fails"), WayBack("broken", "it fails")),
        (
            UNDOES,
            Undone(different=("a is missing", "b is extra")),
            WayBack("broken", "a is missing; b is extra"),
        ),
        (UNDOES, Undone(), WayBack("reversible", "what it destroys does not come back")),
    ],
)
def test_on_a_shadow(source: str, undone: Undone | None, expected: WayBack) -> None:
    seen = Seen(levels=TRACED, undone=undone)  # type: ignore[arg-type]
    assert way_back(ast.parse(source), seen, went_through=True, loses=True) == expected


def test_where_it_was_not_tried() -> None:
    tree = ast.parse(UNDOES)
    assert way_back(tree, Seen(), went_through=True, loses=False) == WayBack("untried")
    seen = Seen(levels=TRACED, undone=Undone())  # type: ignore[arg-type]
    assert way_back(tree, seen, went_through=True, loses=False) == WayBack("reversible")
    assert way_back(tree, seen, went_through=False, loses=False) == WayBack("untried")
