"""A suppression covers its own operation and nothing else."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from notifydb.findings import Finding, Location, Severity
from notifydb.lint.suppress import Ignore, read_ignores, split

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
    assert (ignore.rules, ignore.reason) == (rules, reason)


def test_a_string_is_not_a_comment() -> None:
    assert _read('a("# notifydb: ignore[r] because x")') == ()
