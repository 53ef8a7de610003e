"""Names of revisions: short enough for the version table, legal for Alembic, in whole words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.revisions import naming
from notifydb.revisions.graph import History, Revision


def history(*ids: str) -> History:
    return History(Revision(each, (), (), (), Path(f"{each}.py")) for each in ids)


@given(st.integers(0, 10**6 - 1), st.text(max_size=80), st.integers(1, 6))
def test_an_id_fits_the_version_table_and_is_plain_ascii(number: int, message: str, width: int) -> None:
    named = naming.make_id(number, message, width)
    assert len(named.id) <= 32
    assert named.id.isascii()
    assert set(named.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
    assert naming.is_legal(named.id)
    assert naming.number_of(named.id) == number


@given(st.integers(1, 9999), st.lists(st.from_regex(r"[a-z0-9]{1,9}", fullmatch=True), max_size=9))
def test_an_id_is_shortened_by_whole_words_and_no_more_than_it_must(number: int, words: list[str]) -> None:
    named = naming.make_id(number, " ".join(words))
    kept = naming.slug_of(named.id).split("_") if naming.slug_of(named.id) else []
    assert kept == words[: len(kept)]
    assert named.shortened == (len(kept) < len(words))
    if named.shortened:
        assert len(named.id) + 1 + len(words[len(kept)]) > 32


@pytest.mark.parametrize(
    ("message", "made", "shortened"),
    [
        ("add login uuid", "0412_add_login_uuid", False),
        ("Add  Login-UUID!", "0412_add_login_uuid", False),
        ("Größe für Café", "0412_groe_fur_cafe", False),
        ("a" * 27, "0412_" + "a" * 27, False),
        ("a" * 28, "0412_" + "a" * 27, True),
        ("change the total message limit again", "0412_change_the_total_message", True),
        ("add_" + "b" * 23 + " c", "0412_add_" + "b" * 23, True),
        ("数据库", "0412", False),
        ("", "0412", False),
    ],
)
def test_a_message_becomes_an_id(message: str, made: str, shortened: bool) -> None:
    assert naming.make_id(412, message) == naming.Named(made, shortened)


def test_a_number_beyond_the_width_takes_the_room_it_needs() -> None:
    assert naming.make_id(10000, "add x").id == "10000_add_x"
    assert naming.make_id(7, "add x", width=3).id == "007_add_x"


@pytest.mark.parametrize(
    ("revision", "number", "slug"),
    [
        ("0412_add_x", 412, "add_x"),
        ("0468", 468, ""),
        ("412_", 412, ""),
        ("0360_0360_x", 360, "0360_x"),
        ("12345_x", 12345, "x"),
        ("ab12cd34", None, "ab12cd34"),
        ("20240131_add_x", None, "20240131_add_x"),
        ("123456789012", None, "123456789012"),
        ("0412add", None, "0412add"),
        ("٠٤١٢_x", None, "٠٤١٢_x"),
    ],
)
def test_an_id_has_a_number_and_a_slug(revision: str, number: int | None, slug: str) -> None:
    assert (naming.number_of(revision), naming.slug_of(revision)) == (number, slug)


@pytest.mark.parametrize("revision", ["a-b", "a@b", "a+b", "a:b", "", "é", "a" * 33, "a.b"])
def test_an_id_that_alembic_or_the_version_table_refuses_is_not_legal(revision: str) -> None:
    assert not naming.is_legal(revision)


def test_a_slug_is_kept_as_it_was_written() -> None:
    assert naming.number_slug(9, "Add__X") == naming.Named("0009_Add__X", shortened=False)
    assert naming.number_slug(9, "a" * 26 + "__b") == naming.Named("0009_" + "a" * 26, shortened=True)


def test_the_next_number_follows_the_highest_and_counts_where_there_is_none() -> None:
    assert naming.next_number(history()) == 1
    assert naming.next_number(history("0001_a", "0412_b", "0007_c", "ab12cd34")) == 413
    assert naming.next_number(history("ab12cd34", "ef56ab78")) == 3
