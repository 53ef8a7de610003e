"""Conflict markers: what git writes is taken apart into the two files that it was made of."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifydb.errors import HistoryError
from notifydb.numbering import markers

PATH = Path("0003_add.py")
TWO_WAY = b"a\n<<<<<<< HEAD\none\n=======\ntwo\n>>>>>>> branch\nb\n"
DIFF3 = b"a\n<<<<<<< HEAD\none\n||||||| 1234567\nbase\n=======\ntwo\n>>>>>>> branch\nb\n"


def sides(content: bytes) -> tuple[bytes, bytes] | None:
    found = markers.parse(content, PATH)
    return (found.side(second=False), found.side(second=True)) if found else None


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize("content", [TWO_WAY, DIFF3])
def test_two_way_and_diff3(content: bytes, newline: bytes) -> None:
    content = content.replace(b"\n", newline)
    assert sides(content) == (b"a\none\nb\n".replace(b"\n", newline), b"a\ntwo\nb\n".replace(b"\n", newline))


def test_several_hunks_an_empty_side_and_no_line_end_after_the_last() -> None:
    content = TWO_WAY + b"<<<<<<<\n=======\nthree\n>>>>>>>"
    assert sides(content) == (b"a\none\nb\n", b"a\ntwo\nb\nthree\n")
    found = markers.parse(content, PATH)
    assert found is not None
    assert [each.lines for each in found.hunks] == [(2, 6), (8, 11)]
    assert found.first_but(found.hunks[1]) == b"a\none\nb\nthree\n"


def test_a_hunk_knows_whether_it_had_an_ancestor() -> None:
    for content, known in ((TWO_WAY, False), (DIFF3, True), (DIFF3.replace(b"base\n", b""), False)):
        found = markers.parse(content, PATH)
        assert found is not None
        assert found.hunks[0].has_base is known


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a\n",
        b"======= \n=======\n||||||| a\n",
        b"<<<<<<<< HEAD\nx\n>>>>>>>> y\n",
        b"<<<<<<<HEAD\n",
        b" <<<<<<< HEAD\n",
        b"x = '''\xff'''\n",
    ],
)
def test_what_is_no_conflict(content: bytes) -> None:
    assert sides(content) is None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"one\n=======\ntwo\n>>>>>>> branch\n", 4),
        (b"<<<<<<< HEAD\none\n=======\ntwo\n", 1),
        (b"<<<<<<< HEAD\none\n>>>>>>> branch\n", 3),
        (b"<<<<<<< HEAD\n<<<<<<< HEAD\n=======\n>>>>>>> branch\n", 2),
        (TWO_WAY + b"<<<<<<< HEAD\n", 8),
    ],
)
def test_half_a_marker_is_refused_with_its_line(content: bytes, line: int) -> None:
    with pytest.raises(HistoryError, match=rf"0003_add\.py:{line}: .*lost its other half") as caught:
        sides(content)
    assert "git checkout --merge" in (caught.value.hint or "")


lines = st.lists(st.sampled_from([b"a\n", b"b\r\n", b"\n", b"=\n", b"\x0c\n", b"\xe9\r\n"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(lines, lines, lines, st.sampled_from(["--quiet", "--diff3", "--zdiff3"]))
def test_what_git_writes_is_taken_apart_again(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[bytes],
    base: list[bytes],
    second: list[bytes],
    style: str,
) -> None:
    """Whatever git could merge is on both sides; the rest is as if one side had been taken throughout."""
    folder = tmp_path_factory.mktemp("files")
    for name, content in (("first", first), ("base", base), ("second", second)):
        (folder / name).write_bytes(b"".join(content))

    def merged(option: str) -> bytes:
        command = ["git", "merge-file", "-p", option, "first", "base", "second"]
        return subprocess.run(command, cwd=folder, check=False, capture_output=True).stdout

    with_markers = merged(style)
    assert (sides(with_markers) or (with_markers, with_markers)) == (merged("--ours"), merged("--theirs"))
