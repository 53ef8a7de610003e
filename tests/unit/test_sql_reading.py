"""Which statements a script can do without."""

from __future__ import annotations

import pytest

from notifydb.sql.reading import only_reads


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT count(*) FROM a", True),
        ("SELECT 1; SHOW lock_timeout", True),
        ("VALUES (1)", True),
        ("SELECT setval('a', 1)", False),
        ("SELECT lower(own()) FROM a", False),
        ("SELECT count(*) FROM a; DELETE FROM a", False),
        ("WITH d AS (DELETE FROM a RETURNING *) SELECT * FROM d", False),
        ("SELECT * FROM a FOR UPDATE", False),
        ("SELECT 1 INTO b", False),
        ("SELEC", False),
    ],
)
def test_only_reads(sql: str, expected: bool) -> None:
    assert only_reads(sql, {"count", "lower"}) is expected
