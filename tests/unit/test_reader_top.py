"""Reading only what stands above the first function: the same answer as reading the whole, or none."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifydb.errors import HistoryError
from notifydb.revisions import reader
from unit.migration_sources import Ids, Style, render, styles

PATH = Path("0002_b.py")
TOP = b'"""Add b\n\nCreate Date: 2024\n"""\nimport x\nrevision = "0002_b"\ndown_revision = "0001_a"\n'
BODY = b"\ndef upgrade():\n    op.execute('SELECT 1')\n\n\ndef downgrade():\n    pass\n"


def shown(declared: reader.Declaration) -> tuple[dict[str, str], str | None]:
    """Values and docstring with their places in the file."""
    values = {name: ast.dump(value, include_attributes=True) for name, value in declared.values.items()}
    found = declared.docstring
    return values, None if found is None else ast.dump(found, include_attributes=True)


def at_the_top(source: bytes) -> tuple[dict[str, str], str | None] | None:
    """What the top alone tells, after a look that the whole file tells the same."""
    top = reader._declared_at_the_top(source, PATH)
    if top is None:
        return None
    whole = reader.declaration(reader.parse_module(source, PATH), PATH)
    assert shown(top) == shown(whole)
    return shown(top)


def test_the_top_is_enough_for_a_plain_migration() -> None:
    for source in (TOP + BODY, TOP.replace(b"\n", b"\r\n") + BODY, (TOP + BODY).replace(b"\n", b"\r")):
        assert at_the_top(source) is not None
        assert at_the_top(b"\xef\xbb\xbf" + source) is not None


@pytest.mark.parametrize(
    "rest",
    [
        BODY + b"revision = 'again'\n",
        BODY + b"depends_on = '0001_x'\n",
        BODY + b"if x:\n    replaces = 1\n",
        BODY + b"from x import branch_labels\n",
        BODY + "down_\uff52evision = 'again'\n".encode(),
        BODY + "\uff52evision = 'again'\n".encode(),
        BODY + b"# \xff\n",
        BODY + b"# \0\n",
        BODY + b"<<<<<<< HEAD\n",
        b"\ndef upgrade():\n    # the revision before\n    pass\n",
        b"x = 1\n",
        b"x = '''\ndef upgrade():\n    '''\nx = '''\n'''\n",
        b"x = (\n1\n@ y)\n",
        b"x = \\\ndefault\n",
        b"@decorated\ndef upgrade():\n    pass\n",
    ],
)
def test_what_the_top_may_not_settle_is_left_to_the_whole(rest: bytes) -> None:
    # A decorator ends the top as a function does; the other continuations leave no module above them.
    expected_top = rest.startswith(b"@")
    assert (at_the_top(TOP + rest) is not None) is expected_top


@pytest.mark.parametrize(
    "source",
    [
        b"# coding: utf-7\n" + TOP + BODY,
        b"# -*- coding: latin-1 -*-\n# \xe9\n" + TOP + BODY,
        b"down_revision = None\n" + BODY,
        b"revision = 'a'\n" + BODY,
        b"revision = 'a'\nrevision = 'b'\ndown_revision = None\n" + BODY,
        b"if x:\n    revision = 'a'\n    down_revision = None\n" + BODY,
        BODY + TOP,
        BODY[1:] + TOP,
        b"",
    ],
)
def test_a_top_without_one_plain_revision_is_left_to_the_whole(source: bytes) -> None:
    assert reader._declared_at_the_top(source, PATH) is None


def test_a_mistake_in_a_body_is_found_where_the_body_is_used() -> None:
    source = TOP + b"\ndef upgrade(:\n    pass\n"
    found = reader.parse_revision(source, PATH)
    assert found is not None
    assert (found.id, found.message, found.created) == ("0002_b", "Add b", "2024")
    with pytest.raises(HistoryError, match=r"^0002_b\.py:9: invalid syntax"):
        reader.parse_module(source, PATH)


@given(style=styles(), ids=st.builds(Ids, st.just("0002_b"), st.sampled_from([(), ("0001_a",), ("x", "y")])))
def test_every_style_reads_as_the_whole_does(style: Style, ids: Ids) -> None:
    at_the_top(render(style, ids))
    plain = render(style, ids, mentions=Ids("0009_z")).replace(b"revision = down_revision", b"name")
    if style.encoding == "utf-8":
        assert at_the_top(plain.partition(b"def upgrade")[0] + b"def upgrade():\n    pass\n") is not None


PIECES = (
    *(b'"""', b"'''", b"'", b"\\", b"\n", b"\r", b"\r\n", b"\x0c", b" ", b"    ", b"(", b")", b"# ", b"\xef\xbb\xbf"),
    *(b"revision = 'a'\n", b"down_revision = None\n", b"depends_on = 'b'\n", b"revision", b"\xc3\xa9", b"\0"),
    *(b"def f():\n    pass\n", b"class A: pass\n", b"async def g(): pass\n", b"@f\n", b"def", b"default = 1\n"),
    *(b"if x:\n", b"else:\n", b"try:\n    pass\n", b"finally:\n    pass\n", b"pass\n",
      b"# coding: latin-1\n", b"x = 1\n"),
)  # fmt: skip


def lines_above_the_first_function(source: bytes) -> int:
    first = reader._FUNCTION.search(source)
    assert first is not None
    return len(re.findall(rb"\r\n|\r|\n", source[: first.start() + 1]))


@given(st.lists(st.sampled_from(PIECES), max_size=14), st.lists(st.sampled_from(PIECES), max_size=10))
def test_no_mixture_reads_otherwise_than_the_whole(before: list[bytes], after: list[bytes]) -> None:
    source = b"".join([*before, b"revision = 'a'\ndown_revision = None\n", *after])
    top = reader._declared_at_the_top(source, PATH)
    try:
        whole = reader.declaration(reader.parse_module(source, PATH), PATH)
    except HistoryError as error:
        # Only a mistake from the first function on may go unseen.
        assert top is None or int(error.message.split(":")[1]) > lines_above_the_first_function(source)
    else:
        assert top is None or shown(top) == shown(whole)
