"""A rule that cannot be loaded is a bug, never a rule less."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from notifydb import errors
from notifydb.lint.options import Options
from notifydb.lint.registry import choose, load_rules

GOOD = '''
    """Module."""
    from notifydb.lint.example import Example
    from notifydb.lint.rule import Rule

    class SomeRule(Rule):
        """Says what it does."""
        name = "some-rule"
        family = "family"
        help = "Do it."
        bad = (Example("pass"),)
        good = (Example("pass"),)

        def check_source(self, revision, tree, ctx):
            yield from ()
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a package with one rule module and returns its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(source: str, module: str = "some_rule") -> str:
        name = f"rules_{tmp_path.name}"
        folder = tmp_path / name / "family"
        folder.mkdir(parents=True)
        (tmp_path / name / "__init__.py").write_text("")
        (folder / "__init__.py").write_text("")
        (folder / f"{module}.py").write_text(textwrap.dedent(source))
        monkeypatch.setattr(sys, "modules", dict(sys.modules))
        return name

    return write


def test_a_good_rule_is_found(package: Callable[..., str]) -> None:
    (rule,) = load_rules(package(GOOD))
    assert (rule.name, rule.levels, rule.documentation) == ("some-rule", ("source",), "Says what it does.")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"""Module."""', "import does_not_exist", "does_not_exist"),
        ('"""Module."""', "def", "invalid syntax"),
        ("class SomeRule(Rule):", "class SomeRule:", "0 lint rules"),
        ('name = "some-rule"', 'name = "another-rule"', "has to hold the rule some-rule"),
        ('family = "family"', 'family = "other"', "of the family family"),
        ('help = "Do it."', "", "no help"),
        ('bad = (Example("pass"),)', "bad = ()", "no bad"),
        ('"""Says what it does."""', "", "checks nothing, or does not say what"),
        ("def check_source", "def check_sauce", "checks nothing"),
    ],
)
def test_a_broken_rule_is_an_internal_error(
    package: Callable[..., str], old: str, new: str, said: str
) -> None:
    assert old in GOOD
    with pytest.raises(errors.InternalError, match=said):
        load_rules(package(GOOD.replace(old, new)))


def test_an_empty_package_is_an_internal_error(package: Callable[..., str]) -> None:
    with pytest.raises(errors.InternalError):
        load_rules(package("", module="__init__"))


def test_shipped_rules_have_names_of_their_own() -> None:
    names = [rule.name for rule in load_rules()]
    assert len(names) == len(set(names)) >= 40


def test_shipped_rules_help_is_complete() -> None:
    for rule in load_rules():
        assert rule.documentation.count("\n") >= 2, rule.name
        assert "..." in rule._help({}) or "{" not in rule.help, rule.name


def test_rules_are_chosen_by_name() -> None:
    rules = load_rules()
    chosen = choose(rules, Options(select=frozenset({"drop-table", "drop-column"})))
    assert [rule.name for rule in chosen] == ["drop-column", "drop-table"]
    fewer = choose(rules, Options(ignore=frozenset({"drop-table"})))
    assert len(fewer) == len(rules) - 1
    with pytest.raises(errors.ConfigurationError, match="no-such-rule"):
        choose(rules, Options(ignore=frozenset({"no-such-rule"})))
