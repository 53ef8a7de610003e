"""The project's settings decide what a finding weighs, and where a rule is off."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import ROOT
from notifydb import errors
from notifydb.findings import Finding, Location, Severity
from notifydb.lint.options import Options
from notifydb.lint.policy import Policy
from notifydb.lint.registry import choose, load_rules
from notifydb.settings import load_settings

FAMILIES = {rule.name: rule.family for rule in load_rules()}


def _finding(rule: str = "drop-table", revision: str | None = "0300_x", file: str = "0300_x.py") -> Finding:
    return Finding(rule, Severity.ERROR, Location(Path("versions", file)), "x", revision=revision)


def _is_off(pattern: str, *names: str, finding: Finding | None = None) -> bool:
    options = Options(per_file={pattern: frozenset(names)})
    return Policy(FAMILIES, options).is_off(finding or _finding())


def test_a_rules_own_severity_outweighs_its_familys() -> None:
    severities = {"compatibility": Severity.INFO, "drop-column": Severity.WARNING}
    policy = Policy(FAMILIES, Options(severities=severities))
    weighed = [policy.weighed(_finding(name)) for name in ("drop-table", "drop-column", "truncate-table")]
    assert [each.severity for each in weighed] == [Severity.INFO, Severity.WARNING, Severity.ERROR]


@pytest.mark.parametrize(
    ("pattern", "is_off"),
    [
        ("0001-0300", True),
        ("300-0300", True),
        ("0001-0299", False),
        ("0301-0400", False),
        ("0300_*.py", True),
        ("*.py", True),
        ("0300_x", False),
        ("0400_*", False),
    ],
)
def test_where_a_rule_is_off(pattern: str, is_off: bool) -> None:
    assert _is_off(pattern, "drop-table") == is_off
    assert _is_off(pattern, "compatibility") == is_off
    assert not _is_off(pattern, "truncate-table")


def test_a_range_is_of_numbers() -> None:
    assert not _is_off("0001-9999", "drop-table", finding=_finding(revision="2ab3c4d5e6f7"))
    assert not _is_off("0001-9999", "drop-table", finding=_finding(revision=None))


@pytest.mark.parametrize(
    "options",
    [
        Options(select=frozenset({"drop-tabel"})),
        Options(extend_select=frozenset({"drop-tabel"})),
        Options(ignore=frozenset({"drop-tabel"})),
        Options(severities={"drop-tabel": Severity.INFO}),
        Options(per_file={"*": frozenset({"drop-tabel"})}),
    ],
)
def test_a_misspelt_rule_is_told_with_what_it_may_mean(options: Options) -> None:
    with pytest.raises(errors.ConfigurationError, match="drop-tabel") as caught:
        choose(load_rules(), options)
    assert caught.value.hint == "did you mean drop-table?"


def test_the_pages_example_is_one(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "lint.md").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    lint = load_settings(environ={}, directory=tmp_path).settings.lint
    named = {name for _, names in lint.per_file for name in names} | {name for name, _ in lint.severity}
    chosen = Options(extend_select=frozenset(lint.extend_select), ignore=frozenset(lint.ignore) | named)
    assert choose(load_rules(), chosen)
    assert {value for _, values in lint.severity for value in values} <= {each.value for each in Severity}
