"""Of most statements a run does not look at more than that there is nothing to look at."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.runner import supervision

PATTERNS = [
    supervision._SETTING, supervision._LEAVING, supervision._FORGETTING, supervision._TELLING,
]  # fmt: skip
WORDS = st.sampled_from(
    [*supervision._REMARKABLE, "client_", "check", "advisory", "_unlock", "pg_", "lock_", "x"]
)
GLUE = st.sampled_from(["", " ", ";", "_", "\n", "--", "/*", "*/", "'", "(", "é"])


def cased(word: str) -> st.SearchStrategy[str]:
    return st.sampled_from(
        [word, word.upper(), word.capitalize(), word.swapcase(), word[:-1] + word[-1:].upper()]
    )


TEXTS = st.lists(st.tuples(WORDS.flatmap(cased), GLUE), max_size=6).map(
    lambda pieces: "".join(word + glue for word, glue in pieces)
)


@given(TEXTS)
def test_what_any_look_would_find_is_remarkable(text: str) -> None:
    if any(pattern.search(text) for pattern in PATTERNS):
        assert supervision._is_remarkable(text)


@pytest.mark.parametrize(
    ("text", "remarkable"),
    [
        ("ALTER TABLE users ADD COLUMN name text", False),
        ("CREATE INDEX ix ON users (name)", False),
        ("UPDATE users SET name = 'x' WHERE name IS NULL", False),
        ("TRUNCATE users", True),
        ("CoMMit", True),
        ("SELECT pg_advisory_unlock(1)", True),
        ("SET LOCAL lock_timeout = '1s'", True),
        ("DEALLOCATE ALL", True),
    ],
)
def test_what_is_remarkable(text: str, remarkable: bool) -> None:
    assert supervision._is_remarkable(text) is remarkable


def test_the_words_are_what_the_looks_are_for() -> None:
    looked_for = " ".join(pattern.pattern for pattern in PATTERNS)
    assert [word for word in supervision._REMARKABLE if not re.search(word, looked_for)] == []
