"""Comments of SQL, and what psql reads for itself, whatever stands around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.sql.comments import commented, comments
from notifydb.sql.parse import parse
from notifydb.sql.psql import without_commands

PIECES = st.sampled_from(
    [
        "--",
        "/*",
        "*/",
        "'",
        '"',
        "$$",
        "$a$",
        "E'",
        "\\",
        "\\g",
        "\n",
        ";",
        "copy a from stdin;",
        "\n\\.",
        "x",
        " ",
        "é",
    ]
)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("SELECT 1 -- a\n-- b", [("-- a", 1), ("-- b", 2)]),
        ("SELECT '--a', \"--b\", $$--c$$, $t$ $$ --d $t$, E'\\'--e' -- f", [("-- f", 1)]),
        ("/* -- a\n*/ -- b", [("-- b", 2)]),
        ("SELECT 'it''s --' --x", [("--x", 1)]),
        ("SELECT 'C:\\' -- a", [("-- a", 1)]),
    ],
)
def test_what_is_a_comment(source: str, found: list[tuple[str, int]]) -> None:
    assert [(each.text, each.line) for each in comments(source)] == found


def test_the_statement_that_a_comment_belongs_to() -> None:
    source = "-- 1\nSELECT 1; -- 1\n\n-- 2\nSELECT -- 2\n2;\nSELECT 3;\n-- none"
    statements = parse(source)
    found = [commented(source, each.offset, statements) for each in comments(source)]
    assert [each and each.text[-1] for each in found] == ["1", "1", "2", "2", None]


@given(st.lists(PIECES, max_size=12).map("".join))
def test_what_is_psqls_leaves_every_other_character_in_its_place(source: str) -> None:
    left, _ = without_commands(source)
    assert len(left) == len(source)
    assert all(now in (before, " ", ";") for now, before in zip(left, source, strict=True))
    assert [each == "\n" for each in left] == [each == "\n" for each in source]


@pytest.mark.parametrize(
    ("source", "left", "commands"),
    [
        ("\\set a b\nSELECT 1;", "        \nSELECT 1;", [("\\set a b", 1)]),
        ("SELECT 1 \\gx\n", "SELECT 1 ;  \n", [("\\gx", 1)]),
        ("SELECT '\\d';", "SELECT '\\d';", []),
        ("x;\n COPY a FROM STDIN;\n'\n\\.\nx", f"x;\n{' ' * 19}\n \n  \nx", [("COPY a FROM STDIN;", 2)]),
        ("COPY a TO STDOUT;", "COPY a TO STDOUT;", []),
    ],
)
def test_what_is_psqls(source: str, left: str, commands: list[tuple[str, int]]) -> None:
    found, told = without_commands(source)
    assert (found, [(each.text, each.line) for each in told]) == (left, commands)
