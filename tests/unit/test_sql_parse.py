"""Statements and their places, also where the text is not plain or not SQL."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from notifydb.sql.parse import parse

_PIECES = st.sampled_from(
    [
        "SELECT 1",
        "SELECT 'a;b'",
        "-- é; not the end\nSELECT $$;$$",
        "/* a /* b */ ; */ UPDATE t SET a = 'ü' WHERE b",
        "CREATE TABLE t (a int)",
        "\n\n  DROP TABLE t",
    ]
)


@given(st.lists(_PIECES, min_size=1, max_size=8))
def test_every_statement_is_found_where_it_stands(pieces: list[str]) -> None:
    source = ";\n".join(pieces)
    found = parse(source)
    assert len(found) == len(pieces)
    for statement in found:
        assert source[statement.offset :].startswith(statement.text)
        assert source[: statement.offset].count("\n") + 1 == statement.line


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_its_problem_told(source: str) -> None:
    for statement in parse(source):
        if statement.problem is not None:
            assert statement.facts == ()
            assert 0 <= statement.problem.offset <= len(source)


def test_one_broken_statement_does_not_hide_the_others() -> None:
    found = parse("DROP TABLE a; SELECT é FROM FROM; DROP TABLE b")
    assert [statement.problem is None for statement in found] == [True, False, True]
    assert found[1].problem is not None
    assert found[1].problem.message == 'syntax error at or near "FROM"'
    assert found[1].problem.offset == 28


def test_nothing_is_no_statement() -> None:
    assert parse("") == ()
    assert parse(" ;; -- a comment\n") == ()


def test_a_broken_statement_without_a_keyword_is_not_lost() -> None:
    statements = parse("foo;\nSELECT 1;\n-- why\nSELEC 2;\nSELECT 3;\nbar")
    assert [(each.text, each.line, each.problem is None) for each in statements] == [
        ("foo", 1, False),
        ("SELECT 1", 2, True),
        ("SELEC 2", 4, False),
        ("SELECT 3", 5, True),
        ("bar", 6, False),
    ]
