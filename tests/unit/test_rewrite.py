"""Rewriting ids: what names a revision changes, and every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.errors import HistoryError
from notifydb.revisions.reader import parse_revision
from notifydb.revisions.rewrite import rewrite
from unit.migration_sources import Ids, Style, render, styles

PATH = Path("versions", "0412_b.py")
OLD = Ids("0412_b", ("0411_a", "0410_z"), ("0400_d",), ("0001_r", "0002_s"))
NEW = Ids("0415_b", ("0414_c", "0413_zé"), ("0401_d",), ("0501_r", "0002_s"))
RENAMED = {
    "0412_b": "0415_b",
    "0411_a": "0414_c",
    "0410_z": "0413_zé",
    "0400_d": "0401_d",
    "0001_r": "0501_r",
    "0999_elsewhere": "1000_elsewhere",
}
STYLE = Style("\n", "utf-8", False, '"', "", False, "plain", False, "alembic", False, "")


def rewritten(source: str, ids: dict[str, str], parents: dict[str, str] | None = None) -> str:
    return rewrite(source.encode(), ids, path=PATH, parents=parents).decode()


@given(styles())
def test_only_what_names_a_revision_changes_in_any_style(style: Style) -> None:
    changed = rewrite(render(style, OLD), RENAMED, path=PATH)
    assert changed == render(style, NEW, mentions=OLD)


@given(styles(), st.integers(1, 2))
def test_each_style_is_read_as_what_it_says(style: Style, parents: int) -> None:
    ids = Ids("0412_b", ("0411_a", "0410_z")[:parents], ("0400_d",), ("0001_r",))
    found = parse_revision(render(style, ids), PATH)
    assert found is not None
    assert (found.id, found.down_revisions, found.depends_on) == (ids.own, ids.down, ids.depends_on)
    assert found.replaces == ids.replaces
    assert found.created == (None if style.docstring == "none" else "2024-01-02 03:04:05")
    assert found.message == ("Add é" if style.docstring == "alembic" else "")


@given(styles().filter(lambda style: not style.concatenated))
def test_renaming_there_and_back_gives_the_same_bytes(style: Style) -> None:
    source = render(style, OLD)
    changed = rewrite(source, RENAMED, path=PATH)
    assert changed != source
    assert rewrite(changed, {new: old for old, new in RENAMED.items()}, path=PATH) == source


@given(styles())
def test_a_second_run_finds_nothing_to_change(style: Style) -> None:
    changed = rewrite(render(style, OLD), RENAMED, path=PATH)
    assert rewrite(changed, RENAMED, path=PATH) == changed


@given(styles(), st.sampled_from([{}, {"0999_elsewhere": "1000"}, {"0412": "0413"}, {"b": "c"}]))
def test_ids_that_are_not_named_change_nothing(style: Style, ids: dict[str, str]) -> None:
    assert rewrite(render(style, OLD), ids, path=PATH) == render(style, OLD)


def test_ids_that_follow_each_other_are_exchanged_at_once() -> None:
    source = 'revision = "0002_a"\ndown_revision = "0001_a"\n'
    assert rewritten(source, {"0001_a": "0002_a", "0002_a": "0003_a"}) == (
        'revision = "0003_a"\ndown_revision = "0002_a"\n'
    )


def test_a_short_id_changes_no_uuid_and_no_longer_id() -> None:
    source = 'revision = "0002"\ndown_revision = "10002"\nx = "00000234-0002-0002a1b2"\n# 0002\n'
    assert rewritten(source, {"0002": "0003"}) == source.replace('revision = "0002"', 'revision = "0003"', 1)


def test_another_parent_changes_down_revision_and_revises_only() -> None:
    source = render(STYLE, Ids("0412_b", ("0411_a",), ("0411_a",))).decode()
    expected = source.replace('down_revision = "0411_a"', 'down_revision = "0412_m"')
    expected = expected.replace("Revises: 0411_a\nCreate", "Revises: 0412_m\nCreate")
    expected = expected.replace('\nrevision = "0412_b"', '\nrevision = "0413_b"')
    expected = expected.replace('"""Add é\n\nRevision ID: 0412_b', '"""Add é\n\nRevision ID: 0413_b')
    assert rewritten(source, {"0412_b": "0413_b"}, {"0411_a": "0412_m"}) == expected


def test_a_docstring_that_says_something_else_is_left_as_wrong_as_it_was() -> None:
    source = '"""\nRevision ID: 0400_x\nRevises: 0399_x\n"""\nrevision = "0412_b"\ndown_revision = "0411_a"\n'
    ids = {"0400_x": "0500_x", "0399_x": "0499_x", "0412_b": "0413_b"}
    assert rewritten(source, ids) == source.replace("0412_b", "0413_b")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"""Revision ID: 0412_b"""', '"""Revision ID: 0413_b"""'),
        ('"""\n  Revision ID:0412_b  \n"""', '"""\n  Revision ID:0413_b  \n"""'),
        ('"""\nsee Revision ID: 0412_b\n"""', '"""\nsee Revision ID: 0412_b\n"""'),
        ('"""\nRevision ID: 0412_b again\n"""', '"""\nRevision ID: 0412_b again\n"""'),
        ('"""\nRevises: 0411_a ,0411_a\n"""', '"""\nRevises: 0410_a ,0410_a\n"""'),
        ("r'''a \\d\nRevises: 0411_a\x0c'''", "r'''a \\d\nRevises: 0410_a\x0c'''"),
        ('"""\x0c\u2028\x85é\nRevises: 0411_a"""', '"""\x0c\u2028\x85é\nRevises: 0410_a"""'),
        ('f"""\nRevises: 0411_a\n"""', 'f"""\nRevises: 0411_a\n"""'),
        ('x = 1\n"""\nRevises: 0411_a\n"""', 'x = 1\n"""\nRevises: 0411_a\n"""'),
    ],
)
def test_docstring_lines_change_where_they_are_labels(before: str, after: str) -> None:
    rest = '\nrevision = "{}"\ndown_revision = "{}"\n'
    ids = {"0412_b": "0413_b", "0411_a": "0410_a"}
    assert rewritten(before + rest.format("0412_b", "0411_a"), ids) == after + rest.format("0413_b", "0410_a")


@pytest.mark.parametrize(
    ("literal", "changed"),
    [
        ('"0412" "_b"', '"0413_b" ""'),
        ("('0412'  # \"why\"\n '_b')", "('0413_b'  # \"why\"\n '')"),
        ("'0412' \\\n  \"_b\"", "'0413_b' \\\n  \"\""),
        ("'\\x30412_b'", "'0413_b'"),
        ('((("""0412_b""")))', '((("""0413_b""")))'),
        ("'04''12_b'", "'0413_b'''"),
    ],
)
def test_a_literal_keeps_its_quotes_comments_and_line_breaks(literal: str, changed: str) -> None:
    rest = "\ndown_revision = None\n"
    assert rewritten(f"revision = {literal}{rest}", {"0412_b": "0413_b"}) == f"revision = {changed}{rest}"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (b"revision = make()\nrevision = 'b'\n", "assigned twice"),
        (b"revision = (\n", "never closed"),
        (b"# coding: utf-8\nrevision = '\xff'\n", "utf-8"),
        (b"# coding: klingon\nrevision = 'a'\n", "encoding"),
        (b"# coding: utf-7\nrevision = 'a'\n# +AGE-\n", "other bytes would change"),
    ],
)
def test_a_source_that_cannot_be_changed_exactly_is_refused_by_name(source: bytes, why: str) -> None:
    with pytest.raises(HistoryError, match=why) as caught:
        rewrite(source, {"a": "b"}, path=PATH)
    assert str(PATH) in caught.value.message


def test_a_cookie_counts_where_python_looks_for_it() -> None:
    source = b"# \xc3\xa9 first\r# coding: latin-1\rrevision = 'a'\rdown_revision = None  # \xe9\r"
    assert rewrite(source, {"a": "b"}, path=PATH) == source.replace(b"'a'", b"'b'")
