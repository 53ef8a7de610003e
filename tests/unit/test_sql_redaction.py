"""No data of other sessions' statements is shown, however they are written or cut off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.sql.redaction import without_literals

SECRET = "sesame"
LITERALS = st.sampled_from(
    [
        f"'{SECRET}'",
        f"'it''s {SECRET}'",
        f"E'a\\'{SECRET}'",
        f"e'\\\\{SECRET}'",
        f"$${SECRET}$$",
        f"$body$ {SECRET} $$ $body$",
        f"N'{SECRET}'",
        f"x'{SECRET}'",
        f'\'{{"key": "{SECRET}"}}\'::jsonb',
        f"-- {SECRET}\n1",
        f"/* {SECRET} */ 1",
    ]
)


@given(st.lists(LITERALS, min_size=1, max_size=5), st.integers(min_value=0, max_value=200))
def test_no_literal_gets_through_whole_or_cut_off(literals: list[str], cut: int) -> None:
    sql = "UPDATE users SET a = " + ", b = ".join(literals) + " WHERE id = 4711"
    for text in (sql, sql[: len(sql) - cut]):
        shown = without_literals(text)
        assert SECRET not in shown
        assert "4711" not in shown


@given(st.text())
def test_any_text_is_one_line_that_can_be_read(text: str) -> None:
    shown = without_literals(text)
    assert "\n" not in shown
    assert len(shown) <= 304


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT * FROM users2 WHERE e1 = 'x' AND n = $1", "SELECT * FROM users2 WHERE e1 = ? AND n = $1"),
        ('SELECT "it\'s", 1.5e3 FROM "o""k"', 'SELECT "it\'s", ? FROM "o""k"'),
        ("COPY users (id)\n  FROM stdin", "COPY users (id) FROM stdin"),
        ("", ""),
    ],
)
def test_names_and_places_stay(sql: str, shown: str) -> None:
    assert without_literals(sql) == shown
