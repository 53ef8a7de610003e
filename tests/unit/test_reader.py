"""Reading revisions from source, in every style they are written in."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from notifydb.errors import HistoryError
from notifydb.revisions.reader import parse_revision, read_history, read_revision, read_revisions

PLAIN = 'revision = "0002_b"\ndown_revision = "0001_a"\n'


def parsed(source: str | bytes) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    raw = source.encode() if isinstance(source, str) else source
    found = parse_revision(raw, Path("0002_b.py"))
    assert found is not None
    return found.id, found.down_revisions, found.depends_on


@pytest.mark.parametrize(
    "source",
    [
        PLAIN,
        "revision = '0002_b'\ndown_revision = '0001_a'\n",
        'revision: str = "0002_b"\ndown_revision: Union[str, None] = "0001_a"\n',
        'revision: str\nrevision = "0002_b"\ndown_revision = "0001_a"\n',
        'revision = "0002_b"\ndown_revision = ("0001_a",)\n',
        'revision = "0002_b"\ndown_revision = ["0001_a"]\ndepends_on = None\n',
        'revision = (\n    "0002"  # the number\n    "_b"\n)\ndown_revision = "0001_a"\n',
        'revision, x = "0002_b", 1\n'.replace(", x", "").replace(", 1", "")
        + 'down_revision = """0001_a"""\n',
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        "# -*- coding: latin-1 -*-\n# caf\xe9\n".encode("latin-1") + PLAIN.encode(),
        '"""caf\xe9 \u2028 \x0c"""\n\x0c\n' + PLAIN,
        PLAIN + 'if True:\n    x = "y"\n\ndef upgrade():\n    revision = "other"\n    down_revision = 1\n',
        PLAIN + "class A:\n    revision = 1\n",
        PLAIN + "names = [revision for revision in ()]\nx = {}\nx[revision] = 1\n",
    ],
)
def test_each_way_of_writing_the_same_revision_is_read_the_same(source: str | bytes) -> None:
    assert parsed(source) == ("0002_b", ("0001_a",), ())


def test_a_merge_a_dependency_a_label_and_a_baseline_are_read() -> None:
    found = parse_revision(
        b'revision = "m"\ndown_revision = ("a", "b")\ndepends_on = ["c"]\n'
        b'branch_labels = "reports"\nreplaces = ["0001_a", "0002_b"]\n',
        Path("m.py"),
    )
    assert found is not None
    assert found.is_merge
    assert (found.down_revisions, found.depends_on) == (("a", "b"), ("c",))
    assert (found.branch_labels, found.replaces) == (("reports",), ("0001_a", "0002_b"))


@pytest.mark.parametrize(
    ("docstring", "message", "created"),
    [
        (
            '"""Add login\n\nRevision ID: x\nCreate Date: 2024-01-02 03:04\n\n"""',
            "Add login",
            "2024-01-02 03:04",
        ),
        ('"""\n\nRevision ID: x\nRevises: y\nCreate Date: 2023\n"""', "", "2023"),
        ('"""\nCreate Date: 2026-07-31 10:47:10.270170\n"""', "", "2026-07-31 10:47:10.270170"),
        ('"""\n\n  Add é\r\n\r\nCreate Date: 2024\r\n"""', "Add é", "2024"),
        ('"""Add login"""', "Add login", None),
        ('"""Create Date:"""', "", None),
        ("", "", None),
        ('f"""{1}"""', "", None),
    ],
)
def test_message_and_date_come_from_the_docstring(docstring: str, message: str, created: str | None) -> None:
    found = parse_revision(f"{docstring}\n{PLAIN}".encode(), Path("x.py"))
    assert found is not None
    assert (found.message, found.created) == (message, created)


@pytest.mark.parametrize(
    ("source", "line", "why"),
    [
        (PLAIN + "revision = 'again'\n", 3, "revision is assigned twice"),
        (PLAIN + "down_revision += 'x'\n", 3, "down_revision is assigned twice"),
        (PLAIN + "from a import depends_on\n", 3, "depends_on is not plainly assigned"),
        (PLAIN + "for replaces in ():\n    pass\n", 3, "replaces is not plainly assigned"),
        (
            "try:\n    revision = 'a'\nexcept E:\n    pass\ndown_revision = None\n",
            2,
            "revision is not plainly",
        ),
        ("revision, down_revision = 'a', 'b'\n", 1, "revision is not plainly assigned"),
        ("with a as revision:\n    pass\n", 1, "revision is not plainly assigned"),
        ("x = 1\nrevision = make()\ndown_revision = None\n", 2, "revision is not a literal text"),
        ("revision = 'a' + 'b'\ndown_revision = None\n", 1, "revision is not a literal text"),
        ("revision = f'a'\ndown_revision = None\n", 1, "revision is not a literal text"),
        ("revision = b'a'\ndown_revision = None\n", 1, "revision is not a literal text"),
        ("revision = None\ndown_revision = None\n", 1, "revision is not one text"),
        ("revision = ''\ndown_revision = None\n", 1, "revision is not one text"),
        ("revision = ('a',)\ndown_revision = None\n", 1, "revision is not one text"),
        ("revision = 'a'\ndown_revision = (x, 'b')\n", 2, "down_revision is not a literal text"),
        ("revision = 'a'\ndown_revision = [*x]\n", 2, "down_revision is not a literal text"),
        ("revision = 'a'\n", 1, "there is no down_revision"),
        ("down_revision = 'a'\n\ndef upgrade():\n    pass\n", 1, "there is no revision"),
        ("from .shared import upgrade\n", 1, "there is no revision"),
        ("revision = 'a'\ndown_revision = (\n", 2, "never closed"),
        ("revision = 'a'\n<<<<<<< HEAD\ndown_revision = 'b'\n", 2, "conflict markers"),
        ("revision = 'a\x00'\n", 1, "null bytes"),
        ("revision = '\xe9'\n".encode("latin-1"), 1, "utf-8"),
        ("# coding: klingon\n", 1, "encoding"),
        ("x = " + "(" * 5000 + ")" * 5000, 1, ""),
    ],
)
def test_a_file_that_is_not_one_plain_revision_is_named_with_its_line(
    source: str | bytes, line: int, why: str
) -> None:
    raw = source.encode() if isinstance(source, str) else source
    with pytest.raises(HistoryError) as caught:
        parse_revision(raw, Path("versions", "0002_b.py"))
    assert caught.value.message.startswith(f"{Path('versions', '0002_b.py')}:{line}: ")
    assert why in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "source", ["", "x = 1\n", "def helper():\n    revision = 'a'\n", "down_revision = 'a'\n"]
)
def test_a_helper_with_neither_revision_nor_upgrade_is_passed_over(tmp_path: Path, source: str) -> None:
    (tmp_path / "helper.py").write_text(source)
    (tmp_path / "0002_b.py").write_text(PLAIN)
    assert [each.id for each in read_revisions(tmp_path)] == ["0002_b"]
    with pytest.raises(HistoryError, match=r"helper\.py has no revision"):
        read_revision(tmp_path / "helper.py")


def test_only_the_files_that_alembic_takes_are_read(tmp_path: Path) -> None:
    for name in ("__init__.py", ".#0002_b.py", "README.md", "0002_b.py.orig", "0002_b.pyc"):
        (tmp_path / name).write_text("not python (")
    assert read_history(tmp_path).head is None
    (tmp_path / "0001_a.py").write_text("revision = '0001_a'\ndown_revision = None\n")
    assert read_history(tmp_path).head == "0001_a"


def test_a_revision_knows_its_file_though_the_name_differs(tmp_path: Path) -> None:
    path = tmp_path / "0009_other_name.py"
    path.write_text(PLAIN)
    assert read_revision(path).path == path
    assert read_revision(path).id == "0002_b"


def test_the_same_id_in_two_files_is_raw_material_but_no_history(tmp_path: Path) -> None:
    for name in ("0002_b.py", "0002_c.py"):
        (tmp_path / name).write_text(PLAIN.replace("0001_a", "x").replace('"x"', "None"))
    assert [each.path.name for each in read_revisions(tmp_path)] == ["0002_b.py", "0002_c.py"]
    with pytest.raises(HistoryError, match=r"0002_b\.py and .*0002_c\.py have the same revision id"):
        read_history(tmp_path)


def test_no_versions_folder_is_said_with_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no versions folder") as caught:
        read_history(tmp_path / "versions")
    assert caught.value.hint == "notifydb init"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "0001_a.py").mkdir()
    with pytest.raises(HistoryError, match=r"0001_a\.py cannot be read"):
        read_history(tmp_path)


def test_an_invalid_escape_in_a_migration_is_no_warning_of_ours() -> None:
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        assert parsed(PLAIN + 'x = "\\d"\n')[0] == "0002_b"
    assert given == []


def test_a_migration_is_not_run_when_it_is_read(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    (tmp_path / "0002_a.py").write_text(
        f"import nowhere_to_be_found\nopen({str(trap)!r}, 'w')\nrevision = '0002_a'\ndown_revision = None\n"
    )
    assert read_history(tmp_path).head == "0002_a"
    assert not trap.exists()
