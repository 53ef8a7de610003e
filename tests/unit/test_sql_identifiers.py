"""Names that are longer than Postgres keeps."""

from __future__ import annotations

import pytest

from notifydb.sql.identifiers import long_identifiers

LONG = "a" * 64
KEPT = "a" * 63


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (f"ALTER TABLE t ADD {LONG} int, ADD {LONG} int", (LONG,)),
        (f"ALTER TABLE t ADD {KEPT} int", ()),
        (f'ALTER TABLE t ADD "{LONG}" int', (LONG,)),
        (f'ALTER TABLE t ADD "{KEPT}" int', ()),
        (f'ALTER TABLE t ADD "{"é" * 32}" int', ("é" * 32,)),
        (f"INSERT INTO t VALUES ('{LONG}') -- {LONG}", ()),
        (f"DO $$ BEGIN PERFORM '{LONG}'; END $$", ()),
        (f"SELECT '{LONG}", ()),
    ],
)
def test_long_identifiers(sql: str, found: tuple[str, ...]) -> None:
    assert long_identifiers(sql) == found
