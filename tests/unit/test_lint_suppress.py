"""A suppression covers its own operation and nothing else, until its last day."""

from __future__ import annotations

import ast
import datetime
import textwrap
from pathlib import Path

import pytest

from notifydb.findings import Finding, Location, Severity
from notifydb.lint.ignores import read_ignores
from notifydb.lint.suppress import Ignore, split

PATH = Path("0001_x.py")


def _read(source: str) -> tuple[Ignore, ...]:
    source = textwrap.dedent(source).lstrip("\n")
    return read_ignores(PATH, source, ast.parse(source))


def _finding(rule: str, line: int, end_line: int | None = None) -> Finding:
    return Finding(rule, Severity.ERROR, Location(PATH, line, end_line or line), "x")


@pytest.mark.parametrize(
    ("source", "covered"),
    [
        ("a()  # notifydb: ignore[r] because x\nb()", (1, 1)),
        ("# notifydb: ignore[r] because x\na()\nb()", (2, 2)),
        ("# notifydb: ignore[r] because x\n# more\n\na(\n  1\n)\nb()", (4, 6)),
        ("a(\n  # notifydb: ignore[r] because x\n  1,\n)\nb()", (1, 4)),
        ("a(\n  1,\n)  # notifydb: ignore[r] because x\nb()", (1, 3)),
        ("with c():\n    # notifydb: ignore[r] because x\n    a()\n    b()", (3, 3)),
        ("with c():  # notifydb: ignore[r] because x\n    a()\n    b()", (1, 1)),
        ("# notifydb: ignore[r] because x\nwith c(\n  1\n):\n    a(\n    )\nb()", (2, 6)),
        ("# notifydb: ignore[r] because x\nfor t in ts:\n    with c():\n        a()\nb()", (2, 4)),
        ("# notifydb: ignore[r] because x\n@d(\n  1)\ndef f():\n    b()", (2, 4)),
        ("# notifydb: ignore[r] because x\nif c:\n    a()\nelse:\n    b()", (2, 2)),
        ('"""Doc."""\n# notifydb: ignore-file[r] because x\na()\nb()', (1, 4)),
        ("# notifydb: ignore[r] because x\ndef f(\n    a,\n):\n    b()", (2, 3)),
        ("a()\n# notifydb: ignore[r] because x", (2, 2)),
    ],
)
def test_what_a_comment_covers(source: str, covered: tuple[int, int]) -> None:
    (ignore,) = _read(source)
    assert (ignore.first, ignore.last) == covered


def test_two_statements_one_ignore() -> None:
    ignores = _read("""
        def upgrade():
            # notifydb: ignore[drop-column] because nobody reads it
            op.drop_column("users", "a")
            op.drop_column("users", "b")
        """)
    first, second = _finding("drop-column", 3), _finding("drop-column", 4)
    kept, silenced, used = split([first, second], ignores)
    assert (kept, silenced, used) == ([second], [first], frozenset(ignores))


def test_an_ignore_names_its_rules() -> None:
    ignores = _read("a()  # notifydb: ignore[one, two] because x")
    findings = [_finding(name, 1) for name in ("one", "two", "three")]
    kept, silenced, _ = split(findings, ignores)
    assert [finding.rule for finding in kept] == ["three"]
    assert [finding.rule for finding in silenced] == ["one", "two"]


def test_a_statement_within_a_longer_operation_is_covered() -> None:
    ignores = _read('# notifydb: ignore[r] because x\nop.execute("""\nA;\nB\n""")')
    assert split([_finding("r", 4)], ignores)[0] == []


@pytest.mark.parametrize(
    ("comment", "rules", "reason"),
    [
        ("# notifydb: ignore[a] because it is small", ("a",), "it is small"),
        ("#notifydb:ignore[a,b]because: small", ("a", "b"), "small"),
        ("# notifydb: ignore[a]", ("a",), None),
        ("# notifydb: ignore[a] because", ("a",), None),
        ("# notifydb: ignore[a] it is small", ("a",), None),
        ("# notifydb: ignore[]", (), None),
    ],
)
def test_the_comment(comment: str, rules: tuple[str, ...], reason: str | None) -> None:
    (ignore,) = _read(f"a()  {comment}")
    assert (ignore.mark.rules, ignore.mark.reason) == (rules, reason)


def test_a_string_is_not_a_comment() -> None:
    assert _read('a("# notifydb: ignore[r] because x")') == ()


def test_a_family_stands_for_its_rules() -> None:
    ignores = _read("a()  # notifydb: ignore[data] because x")
    findings = [_finding("truncate-table", 1), _finding("drop-table", 1)]
    families = {"truncate-table": "data", "drop-table": "compatibility"}
    kept, silenced, _ = split(findings, ignores, families)
    assert ([each.rule for each in kept], [each.rule for each in silenced]) == (
        ["drop-table"],
        ["truncate-table"],
    )


def test_the_last_day_counts() -> None:
    (ignore,) = _read("a()  # notifydb: ignore[r] until 2026-12-31 because x")
    days = [datetime.date(2026, 12, 30), datetime.date(2026, 12, 31), datetime.date(2027, 1, 1)]
    assert [(ignore.holds(day), ignore.is_over(day)) for day in days] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert ignore.mark.reason == "x"


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("# notifydb: ignore", "names no rule"),
        ("# notifydb: ignore drop-table because x", "names no rule"),
        ("# notifydb: ignore[] because x", "names no rule"),
        ("# notifydb: ignore[r] until friday because x", "ends on friday, which is no date"),
        ("# notifydb: ignore[r] until 2026-02-30 because x", "ends on 2026-02-30, which is no date"),
        ("# notifydb: ignore[r] until", "ends on nothing, which is no date"),
        (
            "# notifydb: ignore[r] because x until 2026-12-31",
            "has its date after `because`, where it is a part of the reason",
        ),
        ("# notifydb: ignore-file[r] because x", "is not at the top of the file"),
    ],
)
def test_what_cannot_be_understood_silences_nothing(comment: str, problem: str) -> None:
    (ignore,) = _read(f"a()  {comment}")
    assert ignore.mark.problem == problem
    assert not ignore.holds(datetime.date(2020, 1, 1))


def test_what_is_no_ignore() -> None:
    assert _read("a()  # notifydb: ignored by all\nb()  # notifydb: destructive because x") == ()
